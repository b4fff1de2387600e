// Command pause does nothing, so that the namespaces live that it is the first process of: those of a pod's sandbox, and those of a
// machine of package localnode. It buries orphans, which otherwise nobody there would.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		bury()
	}
}

// bury takes all that are dead: one signal may stand for several.
func bury() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil && err != syscall.EINTR || pid == 0 {
			return
		}
	}
}
