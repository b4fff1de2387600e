# Runs a command that waits somewhere in the middle, where it calls "sh $dir/wait".
#   $1 dir      folder to make for the two ends to meet: dir/ready appears when the wait is reached, dir/stop ends it
#   $2 limit    seconds after which the wait ends by itself
#   $3 grace    seconds that the command may take to end after the wait
#   $4          content of dir/wait
#   $5          the command
# The operator is at the other end of stdin and stdout: it reads "r" when the wait is reached and "d" when the command has
# ended, and closes stdin to end the wait. The end of the connection closes stdin as well.
dir=$1 limit=$2 grace=$3

# The command may change the user on its way, so others must be able to write; the folders that stand for events cannot be
# turned into links by them as files could.
mkdir -m 1777 "$dir" || exit 1
printf '%s\n' "$4" >"$dir/wait"

# The shell gives /dev/null to what it starts in the background, so stdin needs another number.
exec 3<&0

sh -c "$5" </dev/null >&2 3<&- &
command=$!

{ read -r line <&3; mkdir "$dir/stop"; } 2>/dev/null &
listener=$!

supervise() {
	expires=$(($(date +%s) + limit)) ready='' stopped='' kill_at=''
	while [ -d "$dir" ] && kill -0 $$ 2>/dev/null; do
		now=$(date +%s)
		if [ -z "$ready" ] && [ -d "$dir/ready" ]; then
			ready=yes
			printf r
		fi
		if [ "$now" -ge "$expires" ] && mkdir "$dir/stop" 2>/dev/null; then
			echo "ended after the limit of $limit s" >&2
		fi
		if [ -z "$stopped" ] && [ -d "$dir/stop" ]; then
			stopped=yes kill_at=$now
			[ -z "$ready" ] || kill_at=$((now + grace))
		fi
		if [ -n "$kill_at" ] && [ "$now" -ge "$kill_at" ]; then
			kill_at=''
			echo "the command did not end by itself and was killed" >&2
			kill "$command"
		fi
		sleep 0.2 2>/dev/null || sleep 1
	done
	# Also when this script was killed: without its folder, the wait ends.
	rm -rf "$dir"
}
supervise 3<&- &

wait "$command"
code=$?
kill "$listener" 2>/dev/null
rm -rf "$dir"
printf d
exit "$code"
