#!/bin/bash
# A mount whose credential helper never answers, for credentials.bats; leaves what happened in DIR:
# listed (what ls said), root (of oci://), end (the daemon's exit status), helpers (process ids), done.
set -u
cd "$1" || exit 1
export HOME=$1/home XDG_RUNTIME_DIR=$1/run PATH=$1/bin:$PATH
unset HELM_REGISTRY_CONFIG DOCKER_CONFIG REGISTRY_AUTH_FILE XDG_CONFIG_HOME DOCKER_AUTH_CONFIG
mkdir -p bin mnt root.mnt cache home/.docker home/.config/helm/registry
chmod 700 cache
trap 'fusermount3 -uz mnt; fusermount3 -uz root.mnt; touch "done"' EXIT

printf '#!/bin/bash\necho $$ >>"%s/helpers"\nexec sleep 600\n' "$1" >bin/docker-credential-hanging
chmod 755 bin/docker-credential-hanging
python3 "$(dirname "$0")/../registry/registry.py" --profile distribution-2 --user user:secret \
	--port-file ports --until $$ &
until [ -e ports ]; do sleep 0.1; done
# shellcheck disable=SC1091 # made above
. ./ports
# shellcheck disable=SC2154 # it is in ports
echo "{\"credHelpers\": {\"localhost:$registry\": \"hanging\"}, \"credsStore\": \"hanging\"}" >home/.docker/config.json
echo '{"auths": {"in-helm.example": {"auth": "dTpw"}}}' >home/.config/helm/registry/config.json

until_mounted() { # DIRECTORY PID
	until mountpoint -q "$1" || ! kill -0 "$2"; do sleep 0.1; done
}

"$CHARTFS" -f -o "cache_dir=$1/cache" "oci://localhost:$registry" mnt >mnt.log 2>&1 &
one=$!
"$CHARTFS" -f -o "cache_dir=$1/cache" oci:// root.mnt >root.log 2>&1 &
other=$!
until_mounted mnt "$one"
until_mounted root.mnt "$other"
ls mnt >listed 2>&1 &
asking=$!
# That credHelpers names the registry is known without asking.
timeout 25 ls root.mnt | grep -v "^localhost:$registry$" >root
wait "$asking"
fusermount3 -u root.mnt
fusermount3 -u mnt
wait "$one" && wait "$other"
echo $? >end
