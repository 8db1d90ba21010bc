# What the recipes share, sourced by them in the repository's root.
#
# A recipe is called with the address of bench's stub. It installs its peer, starts it, prints bench's arguments once the
# peer answers, one a line, and ends the peer on SIGINT or SIGTERM. With PEERS_DIR, what was installed is kept there for
# the next time.

stub=${1:?the address of the stub is missing}
port=$(go run ./test/s3/freeport)
# What the peer writes, and what is installed if it is not kept.
home=$(mktemp -d)
installed=${PEERS_DIR:-$home}/$peer-$version
pid=

finish() {
	trap '' INT TERM
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	wait
	rm -rf "$home"
	echo "$peer has ended" >&2
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# serve <command>... starts the peer, with nothing of the caller's environment but what is named, and waits until it
# answers. timeout ends a peer that does not heed SIGTERM, and one that was forgotten.
serve() {
	env -i PATH="$PATH" HOME="$home" timeout -k 5 1800 env "$@" >"$home/log" 2>&1 &
	pid=$!
	for _ in $(seq 600); do
		! curl -so "$home/answer" "http://127.0.0.1:$port/" || return 0
		# A process that ended and is not waited for has no executable any more.
		readlink "/proc/$pid/exe" >"$home/answer" || break
		sleep 0.2
	done
	cat "$home/log" >&2
	return 1
}
