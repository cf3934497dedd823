#!/usr/bin/env bats
# What writers do to the names of a mount: one after the other at once, over names that were only
# typed, renames and removals of what is not published.

load lib

setup_file() {
	start_registry
	local dir=$BATS_FILE_TMPDIR
	make_chart app 1.0.0 "$dir/app-1.0.0.tgz"
	make_chart app 1.0.0 "$dir/other.tgz" --extra description=other
	make_chart app 2.0.0 "$dir/app-2.0.0.tgz"
	make_prov "$dir/app-1.0.0.tgz" >"$dir/app-1.0.0.tgz.prov"
	head -c 100 "$dir/app-1.0.0.tgz" >"$dir/short.tgz"
	echo hello >"$dir/note"
	tar -C "$dir" -czf "$dir/nochart.tgz" note
	export D=$dir A=$dir/app-1.0.0.tgz OTHER=$dir/other.tgz A2=$dir/app-2.0.0.tgz
}

teardown_file() {
	clean_up
}

setup() {
	begin
	NS=ns$BATS_TEST_NUMBER
	N=$M/$NS
	mount_chartfs
	mkdir -p "$N"
}

teardown() {
	finish
}

published() { # FILE [TAG]
	[ "$(chart_digest "$NS/app" "${2:-1.0.0}")" = "$(sha256_of "$1")" ]
}

refused() { # ERRNO-TEXT COMMAND...
	local text=$1
	shift
	run "$@"
	[ "$status" -ne 0 ] || { echo "not refused: $*"; return 1; }
	[[ "$output" == *"$text"* ]] || { echo "got: $output"; return 1; }
}

spooled() {
	find "$T/cache/spool" -type f ! -name .lock | wc -l
}

@test "who writes next after a close is never told that the file is busy" {
	cp "$A" "$N/"
	python3 - "$N" "$A" <<-'END'
	import os, sys
	folder, archive = sys.argv[1:]
	data = open(archive, "rb").read()

	def write(path, data):
	    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
	    if data:
	        os.write(fd, data)
	    try:
	        os.close(fd)
	    except OSError:
	        return False
	    return True

	for i in range(40):
	    assert write(f"{folder}/touched{i}.tgz", b"")
	    assert write(f"{folder}/touched{i}.tgz", data)
	    for path in (f"{folder}/odd.tgz", f"{folder}/app/1.0.0/app-1.0.0.tgz"):
	        assert not write(path, data[:50])
	        assert write(path, data)
	END
	published "$A"
}

@test "a provenance right after the archive that failed pushes both" {
	mkdir "$N/app"
	cp "$D/app-1.0.0.tgz.prov" "$T/p"
	sed -i 's/^  app-1.0.0.tgz: sha256:.*/  app-1.0.0.tgz: sha256:0000000000000000000000000000000000000000000000000000000000000000/' "$T/p"
	python3 - "$N/app/app-1.0.0.tgz" "$A" "$T/p" "$D/app-1.0.0.tgz.prov" <<-'END'
	import os, sys
	name, archive, wrong, right = sys.argv[1:]

	def write(path, source):
	    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
	    os.write(fd, open(source, "rb").read())
	    try:
	        os.close(fd)
	    except OSError:
	        return False
	    return True

	assert write(name + ".prov", wrong)
	assert not write(name, archive)
	assert write(name + ".prov", right)
	END
	[ "$(manifest_of "$NS/app" 1.0.0 | jq '.layers | length')" = 2 ]
}

@test "a second writer is told at once" {
	cp "$A" "$N/"
	exec 8>"$N/app/1.0.0/app-1.0.0.tgz"
	head -c 50 "$OTHER" >&8 || true
	refused busy cp "$OTHER" "$N/app/1.0.0/app-1.0.0.tgz"
	exec 8>&- || true
	published "$A"
}

@test "a name that was but typed: a failed copy over it stays under it, and the next one works" {
	cp "$A" "$N/odd.tgz"
	cmp "$A" "$N/odd.tgz"
	refused "Invalid argument" cp "$D/nochart.tgz" "$N/odd.tgz"
	cmp "$D/nochart.tgz" "$N/odd.tgz"
	[ "$(ls "$N")" = app ]
	published "$A"
	cp "$OTHER" "$N/odd.tgz"
	published "$OTHER"
	cmp "$OTHER" "$N/odd.tgz"
}

@test "a name that was but typed: touch leaves it, others read it while it is written" {
	cp "$A" "$N/odd.tgz"
	touch "$N/odd.tgz"
	cmp "$A" "$N/odd.tgz"
	exec 8>"$N/odd.tgz"
	cmp "$A" "$N/odd.tgz"
	exec 8>&-
	cmp "$A" "$N/odd.tgz"
	rm "$N/odd.tgz"
	[ ! -e "$N/odd.tgz" ]
	published "$A"
}

@test "the copy of a failed push: by its name, unlisted, until rm" {
	refused "Invalid argument" cp "$D/nochart.tgz" "$N/x.tgz"
	cmp "$D/nochart.tgz" "$N/x.tgz"
	[ -z "$(ls -A "$N")" ]
	rm "$N/x.tgz"
	[ ! -e "$N/x.tgz" ]
	cp "$A" "$N/x.tgz"
	published "$A"
}

@test "that of a failed overwrite lies in failed/" {
	cp "$A" "$N/"
	refused "Invalid argument" cp "$D/nochart.tgz" "$N/app/1.0.0/app-1.0.0.tgz"
	cmp "$A" "$N/app/1.0.0/app-1.0.0.tgz"
	wait_until 30 cmp "$D/nochart.tgz" "$T"/cache/failed/*-app-1.0.0.tgz
	log_of | grep -q "kept in $T/cache/failed/"
}

@test "rm -r of a directory made here takes along what its listing does not show" {
	mkdir "$N/made"
	refused "Invalid argument" cp "$D/nochart.tgz" "$N/made/"
	rm -r "$N/made"
	[ ! -e "$N/made" ]
	cmp "$D/nochart.tgz" "$T"/cache/failed/*-nochart.tgz
}

@test "a directory renamed is the other one at once" {
	mkdir "$N/first"
	[ -d "$N/first" ]
	mv "$N/first" "$N/second"
	cp "$A" "$N/second/"
	[ -n "$(tag_digest "$NS/second/app" 1.0.0)" ]
	[ -z "$(tag_digest "$NS/first/app" 1.0.0)" ]
	[ ! -e "$N/first" ]
	mkdir "$N/.scratch"
	[ -d "$N/.scratch" ]
	mv "$N/.scratch" "$N/.other"
	echo hello >"$N/.other/note"
	[ "$(ls -A "$N/.other")" = note ]
	rm -r "$N/.other"
	[ "$(ls -A "$N")" = second ]
}

@test "a rename leaves nothing of the file that had the name" {
	exec 8>"$N/slow.tgz"
	head -c 50 "$A" >&8 || true
	cp "$A2" "$N/.next"
	mv "$N/.next" "$N/slow.tgz"
	published "$A2" 2.0.0
	refused "No such file" bash -c 'tail -c +51 "$A" >&8'
	exec 8>&- || true
	[ -z "$(tag_digest "$NS/app" 1.0.0)" ]
	cmp "$A2" "$N/slow.tgz"
}

@test "a close is no success where the name has gone meanwhile" {
	local how
	cp "$A2" "$N/.next"
	for how in "rm $N/rm/slow.tgz" "rm -r $N/rm" "mv $N/.next $N/mv/slow.tgz"; do
		mkdir -p "$N/${how%% *}"
		python3 - "$N/${how%% *}/slow.tgz" "$A" "$how" <<-'END'
		import errno, os, subprocess, sys
		path, archive, how = sys.argv[1:]
		data = open(archive, "rb").read()
		fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
		os.write(fd, data[:50])
		subprocess.run(how.split(), check=True)
		os.write(fd, data[50:])
		try:
		    os.close(fd)
		    sys.exit("closed")
		except OSError as error:
		    assert error.errno == errno.ENOENT, error
		END
		[ -z "$(tag_digest "$NS/${how%% *}/app" 1.0.0)" ]
	done
	cmp "$A2" "$N/mv/slow.tgz"
	log_of | grep -q "slow.tgz was removed or replaced before it was published"
	# What was published by then is no failure, nor is scratch.
	python3 - "$N" "$A" <<-'END'
	import os, sys
	folder, archive = sys.argv[1:]
	fd = os.open(f"{folder}/typed.tgz", os.O_WRONLY | os.O_CREAT, 0o644)
	os.write(fd, open(archive, "rb").read())
	os.fsync(fd)
	os.unlink(f"{folder}/typed.tgz")
	os.close(fd)
	fd = os.open(f"{folder}/.scratch", os.O_WRONLY | os.O_CREAT, 0o644)
	os.write(fd, b"scratch")
	os.unlink(f"{folder}/.scratch")
	os.close(fd)
	END
	published "$A"
}

@test "bytes that were written on after a push, and could not be published, are kept" {
	python3 - "$N/odd.tgz" "$A" "$D/nochart.tgz" <<-'END'
	import errno, os, sys
	path, archive, more = sys.argv[1:]
	fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
	os.write(fd, open(archive, "rb").read())
	os.fsync(fd)
	os.ftruncate(fd, 0)
	os.pwrite(fd, open(more, "rb").read(), 0)
	try:
	    os.close(fd)
	    sys.exit("closed")
	except OSError as error:
	    assert error.errno == errno.EINVAL, error
	END
	published "$A"
	cmp "$A" "$N/odd.tgz"
	wait_until 30 cmp "$D/nochart.tgz" "$T"/cache/failed/*-odd.tgz
	log_of | grep -q "odd.tgz was not published; its bytes are kept in $T/cache/failed/"
	[ "$(spooled)" = 0 ]
}

@test "a directory that is copied instead of renamed is no failure in the log" {
	mkdir -p "$N/.from/below"
	echo hello >"$N/.from/below/note"
	mv "$N/.from" "$N/.to"
	[ "$(cat "$N/.to/below/note")" = hello ]
	[ ! -e "$N/.from" ]
	if log_of | grep -E "error|warning"; then false; fi
}

@test "a path that is too long for a repository is refused as such" {
	local part
	part=$(printf 'a%.0s' $(seq 200))
	mkdir "$N/$part"
	refused "Invalid argument" mkdir "$N/$part/$part"
	log_of | grep -q "longer than a repository's name can be"
}

@test "a rename that fails leaves the scratch file, listed" {
	cp "$A2" "$N/"
	cp "$D/nochart.tgz" "$N/.next"
	run mv "$N/.next" "$N/x.tgz"
	[ "$status" -ne 0 ]
	[ "$(ls -A "$N")" = "$(printf '.next\napp')" ]
	touch "$N/.empty"
	run mv "$N/.empty" "$N/app/2.0.0/app-2.0.0.tgz"
	[ "$status" -ne 0 ]
	cmp "$A2" "$N/app/2.0.0/app-2.0.0.tgz"
	rm "$N/.next" "$N/.empty"
}

@test "RENAME_NOREPLACE, exchange" {
	cp "$A" "$N/"
	cp "$A2" "$N/.next"
	python3 - "$N/.next" "$N/app/1.0.0/app-1.0.0.tgz" <<-'END'
	import ctypes, errno, os, sys
	libc = ctypes.CDLL(None, use_errno=True)
	for flags, expected in ((1, errno.EEXIST), (2, errno.EINVAL)):
	    r = libc.renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), flags)
	    assert r < 0 and ctypes.get_errno() == expected, (flags, ctypes.get_errno())
	END
	published "$A"
}

@test "appended to, read back, cut, mapped" {
	python3 - "$N/x.tgz" "$A" <<-'END'
	import os, sys
	path, archive = sys.argv[1:]
	data = open(archive, "rb").read()
	fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
	os.write(fd, b"junk" * 100)
	assert os.pread(fd, 8, 0) == b"junkjunk"
	os.ftruncate(fd, 0)
	os.write(fd, b"")
	os.pwrite(fd, data[50:], 50)
	os.pwrite(fd, data[:50], 0)
	assert os.pread(fd, len(data), 0) == data
	assert os.fstat(fd).st_size == len(data)
	os.close(fd)
	fd = os.open(path, os.O_RDWR)
	os.ftruncate(fd, 60)
	os.lseek(fd, 0, os.SEEK_END)
	os.write(fd, data[60:])
	os.close(fd)
	fd = os.open(path, os.O_WRONLY)
	os.ftruncate(fd, 60)
	extra = os.open(path, os.O_RDONLY)
	assert os.read(extra, 4) == data[:4]
	os.close(extra)
	os.pwrite(fd, data[60:], 60)
	os.close(fd)
	END
	published "$A"
	(head -c 100 "$A2" && tail -c +101 "$A2") >>"$N/y.tgz"
	published "$A2" 2.0.0
}

@test "names of 255 bytes, of any letters" {
	local long wide
	long=$(printf 'x%.0s' $(seq 251)).tgz
	wide=$'\xc3\xa9\n "\x27.tgz'
	cp "$A" "$N/$long"
	cmp "$A" "$N/$long"
	cp "$A2" "$N/$wide"
	cmp "$A2" "$N/$wide"
	published "$A"
	published "$A2" 2.0.0
}

@test "a chart in a directory that reads as a version at the top is EINVAL" {
	mkdir "$M/1.0.$BATS_TEST_NUMBER"
	refused "Invalid argument" cp "$A" "$M/1.0.$BATS_TEST_NUMBER/"
	log_of | grep -q "reads as a version"
	rm -r "$M/1.0.$BATS_TEST_NUMBER"
}

@test "nothing is left of many pushes: spool files, descriptors" {
	local before after
	cp "$A" "$N/"
	before=$(ls "/proc/$CHARTFS_PID/fd" | wc -l)
	python3 - "$N" "$A" "$OTHER" <<-'END'
	import os, shutil, sys
	folder, *archives = sys.argv[1:]
	for i in range(60):
	    archive = archives[i % 2]
	    shutil.copyfile(archive, f"{folder}/name{i}.tgz")
	    shutil.copyfile(archive, f"{folder}/app/1.0.0/app-1.0.0.tgz")
	    shutil.copyfile(archive, f"{folder}/.next")
	    os.rename(f"{folder}/.next", f"{folder}/renamed{i}.tgz")
	END
	nothing_spooled() { [ "$(spooled)" = 0 ]; }
	wait_until 30 nothing_spooled
	after=$(ls "/proc/$CHARTFS_PID/fd" | wc -l)
	((after < before + 30))
}
