# Stands where a background command says ${WAIT_CMD}; see background.sh.
dir=${0%/*}
[ -d "$dir/ready" ] || mkdir "$dir/ready"
while [ -d "$dir" ] && [ ! -d "$dir/stop" ]; do
	sleep 0.2 2>/dev/null || sleep 1
done
