#!/usr/bin/env bats
# Parity with the real helm: a chart copied into a mount gets the manifest that `helm push` gives it,
# byte for byte, whatever its Chart.yaml, the copying tool and the time zone; what helm refuses is
# refused; either reads what the other has pushed. tests/parity/pinned.py has all the odd charts,
# these are some of each family.

load lib

PARITY=$ROOT/tests/parity

setup_file() {
	start_registry
	export F=$BATS_FILE_TMPDIR HOME=$BATS_FILE_TMPDIR/home
	mkdir -p "$HOME" "$F/taken" "$F/refused"
	python3 "$PARITY/charts.py" "$F/all" >/dev/null
	rm "$F"/all/*.prov # text that does not name its archive, which helm takes and a mount refuses
	rm "$F"/all/size-{99,1,e}* # a hundred megabytes each
	[ ! -x "$PEERS/helm-4" ] || push_some
}

# Pushes some charts of each family with helm 4 and makes $F/helm-4 of its answers; those of charts
# that share a reference are left out. $F/taken and $F/refused get the charts.
push_some() {
	local family count=0 last='' name file
	local -a some=()
	for file in "$F"/all/*.tgz; do
		name=${file##*/}
		family=${name%%-*}
		[ "$family" = "$last" ] && count=$((count + 1)) || count=1
		last=$family
		((count > 3 && count % 12 != 0)) || some+=("$file")
	done
	helm_push helm-4 helm-4 "${some[@]}" >"$F/answers"
	awk -F'\t' '$2 == "refused" || seen[$3]++ == 0 { line[NR] = $0; key[NR] = $3 }
		END { for (i = 1; i <= NR; i++) if (line[i] != "" && seen[key[i]] <= 1) print line[i] }' \
		"$F/answers" >"$F/helm-4"
	while IFS=$'\t' read -r file digest _; do
		# A file without a byte is not refused: it is not pushed (DESIGN 4).
		[ ! -s "$file" ] || { [ "$digest" = refused ] && cp -p "$file" "$F/refused/"; } || cp -p "$file" "$F/taken/"
	done <"$F/helm-4"
}

teardown_file() {
	clean_up
}

setup() {
	begin
}

teardown() {
	finish
}

helm_push() { # HELM NAMESPACE FILE...: a table of FILE, digest or "refused", NAME:TAG or the reason
	python3 "$PARITY/helm.py" push "$PEERS/$1" "$REGISTRY/$2" "${@:3}"
}

published() { # NAMESPACE TABLE: the registry holds just these manifests there
	python3 "$PARITY/helm.py" published "$REGISTRY/$1" <"$2"
}

nothing_in() { # NAMESPACE
	: >"$T/nothing"
	published "$1" "$T/nothing"
}

every() { # N TABLE: each Nth line of those that helm took
	awk -F'\t' -v n="$1" '$2 != "refused" && seen++ % n == 0' "$2"
}

files_of() { # TABLE
	cut -f1 "$1"
}

# Copies each file of a table with cp -p and looks at its outcome.
copy_each() { # TABLE NAMESPACE
	local file digest said bad=0
	mkdir -p "$M/$2"
	while IFS=$'\t' read -r file digest _; do
		if ! said=$(LC_ALL=C cp -p "$file" "$M/$2/" 2>&1); then
			[ "$digest" = refused ] && [[ $said == *"Invalid argument"* || $said == *"File too large"* ]] && continue
			echo "$said" && bad=1
		elif [ "$digest" = refused ] && [ -s "$file" ]; then
			echo "$file: taken, which helm refuses" && bad=1
		fi
	done <"$1"
	return "$bad"
}

# Each of the other tools copies a folder's charts with one command, into a namespace of its own.
copy_all() { # TOOL FOLDER NAMESPACE
	mkdir -p "$M/$3"
	case $1 in
	cp) cp -a "$2"/*.tgz "$M/$3/" ;;
	rsync) rsync -a "$2/" "$M/$3/" ;;
	tar) tar -C "$2" -c . | tar -C "$M/$3" --no-overwrite-dir -x ;;
	install) install -p "$2"/*.tgz "$M/$3/" ;;
	esac
}

# The same with charts that are refused: each of them is told.
refuse_all() { # TOOL FOLDER NAMESPACE
	run copy_all "$@"
	[ "$status" -ne 0 ]
	[ "$(grep -cE 'Invalid argument|File too large' <<<"$output")" -ge "$(find "$2" -name '*.tgz' | wc -l)" ] || { echo "$output"; return 1; }
	nothing_in "$3"
}

@test "there are enough charts, taken and refused" {
	need_helm helm-4
	[ "$(every 1 "$F/helm-4" | wc -l)" -ge 130 ]
	[ "$(grep -c "$(printf '\trefused\t')" "$F/helm-4")" -ge 50 ]
}

@test "cp -p and helm 4: the same manifests, the same refusals" {
	need_helm helm-4
	mount_chartfs
	copy_each "$F/helm-4" by-cp-p
	published by-cp-p "$F/helm-4"
}

@test "cp -a and helm 4" {
	need_helm helm-4
	mount_chartfs
	copy_all cp "$F/taken" by-cp-a
	published by-cp-a "$F/helm-4"
	refuse_all cp "$F/refused" not-by-cp-a
}

@test "rsync -a and helm 4" {
	need_helm helm-4
	mount_chartfs
	copy_all rsync "$F/taken" by-rsync
	published by-rsync "$F/helm-4"
	refuse_all rsync "$F/refused" not-by-rsync
}

@test "tar x and helm 4" {
	need_helm helm-4
	mount_chartfs
	copy_all tar "$F/taken" by-tar
	published by-tar "$F/helm-4"
	refuse_all tar "$F/refused" not-by-tar
}

@test "install -p and helm 4" {
	need_helm helm-4
	mount_chartfs
	copy_all install "$F/taken" by-install
	published by-install "$F/helm-4"
	refuse_all install "$F/refused" not-by-install
}

# Of values.yaml files with several documents or odd separators helm 3 takes more, or others: the
# newer helm counts.
@test "cp -p and helm 3" {
	need_helm helm-3
	need_helm helm-4
	{ every 2 "$F/helm-4"; grep "$(printf '\trefused\t')" "$F/helm-4" | awk 'NR % 4 == 1'; } |
		grep -vE '/values-(directive|documents-broken|documents-list|separator-.*)\.tgz' >"$T/some"
	mapfile -t files < <(files_of "$T/some")
	helm_push helm-3 helm-3 "${files[@]}" >"$T/helm-3"
	[ "$(every 1 "$T/helm-3" | wc -l)" -ge 60 ]
	mount_chartfs
	copy_each "$T/helm-3" as-helm-3
	published as-helm-3 "$T/helm-3"
}

@test "in another time zone, with each tool and both helms" {
	need_helm helm-4
	export TZ=Asia/Tokyo
	{ every 2 "$F/helm-4"; grep /time- "$F/helm-4"; } | sort -u >"$T/some"
	mapfile -t files < <(files_of "$T/some")
	helm_push helm-4 tokyo "${files[@]}" >"$T/helm-4"
	[ "$(every 1 "$T/helm-4" | wc -l)" -ge 60 ]
	mkdir "$T/taken"
	cp -p "${files[@]}" "$T/taken/"
	mount_chartfs
	copy_each "$T/helm-4" tokyo-cp-p
	published tokyo-cp-p "$T/helm-4"
	for tool in cp rsync tar install; do
		copy_all "$tool" "$T/taken" "tokyo-$tool"
		published "tokyo-$tool" "$T/helm-4"
	done
	# The zone was in force: 9 hours ahead.
	IFS=: read -r name tag < <(cut -f3 "$T/helm-4" | grep '^time-')
	manifest_of "tokyo-cp-p/$name" "$tag" | jq -e '.annotations["org.opencontainers.image.created"] | endswith("+09:00")'
	need_helm helm-3
	mapfile -t files < <(every 8 "$T/helm-4" | cut -f1)
	helm_push helm-3 tokyo-3 "${files[@]}" >"$T/helm-3"
	copy_each "$T/helm-3" tokyo-as-3
	published tokyo-as-3 "$T/helm-3"
}

# What helm says of a chart by its reference, and of the archive itself: the same.
says_the_same() { # HELM ARGUMENTS... -- FILE REFERENCE VERSION
	local -a arguments=()
	local helm=$1 there=0 here=0
	shift
	while [ "$1" != -- ]; do
		arguments+=("$1")
		shift
	done
	"$PEERS/$helm" "${arguments[@]}" "$2" >"$T/here" 2>"$T/here.stderr" || here=$?
	"$PEERS/$helm" "${arguments[@]}" "$3" --version "$4" --plain-http >"$T/there" 2>"$T/there.stderr" || there=$?
	if [ "$here" != "$there" ] || ! cmp "$T/here" "$T/there"; then
		cat "$T/there.stderr"
		return 1
	fi
}

@test "helm pulls, shows and templates what chartfs pushed" {
	need_helm helm-4
	need_helm helm-3
	make_chart whole 1.2.3+b.4 "$T/whole.tgz" --extra "description=a chart with a template"
	cp -p "$F/all/"{all,annotations-order,sub-archive,requirements-v2,values-anchors}.tgz "$T/"
	mount_chartfs
	mkdir -p "$M/read"
	cp -p "$T"/*.tgz "$M/read/"
	for helm in helm-4 helm-3; do
		for file in "$T"/*.tgz; do
			name=$(basename "$file" .tgz) version=0.1.0
			[ "$name" != whole ] || version=1.2.3+b.4
			mkdir "$T/$helm.$name"
			"$PEERS/$helm" pull -d "$T/$helm.$name" "oci://$REGISTRY/read/$name" --version "$version" --plain-http
			cmp "$file" "$T/$helm.$name/$name-$version.tgz"
			says_the_same "$helm" show all -- "$file" "oci://$REGISTRY/read/$name" "$version"
			says_the_same "$helm" template x -- "$file" "oci://$REGISTRY/read/$name" "$version"
			[ "$name" != whole ] || grep -q 'kind: ConfigMap' "$T/there"
		done
	done
}

@test "chartfs reads what helm pushed: every chart, the same bytes" {
	need_helm helm-4
	mount_chartfs
	bad=0
	while IFS=$'\t' read -r file digest name; do
		[ "$digest" != refused ] || continue
		version=${name##*:}
		version=${version//_/+} name=${name%:*}
		cmp "$file" "$M/helm-4/$name/$version/$name-$version.tgz" || bad=1
	done <"$F/helm-4"
	[ "$bad" = 0 ]
}
