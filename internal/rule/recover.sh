# Ends background commands that an earlier operator left behind, and waits for their end.
#   $1 prefix   beginning of the names of their folders
#   $2 seconds  to wait at most
for dir in "$1"*; do
	[ ! -d "$dir" ] || mkdir "$dir/stop" 2>/dev/null
done
end=$(($(date +%s) + $2))
while ls -d "$1"* >/dev/null 2>&1; do
	if [ "$(date +%s)" -ge "$end" ]; then
		# Whoever still waits ends with the folder.
		rm -rf "$1"*
		echo "left over commands did not end within $2 s" >&2
		exit 1
	fi
	sleep 0.2 2>/dev/null || sleep 1
done
printf d
