package localnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// needed are the programs that a node takes from this machine, and the packages of Debian that bring them.
var needed = []struct{ program, pkg string }{
	{"containerd", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{cniPlugins + "/ptp", "containernetworking-plugins"},
	{"iptables", "iptables"},
	{"nft", "nftables"},
	{"ip", "iproute2"},
	{"mount", "mount"},
	{"losetup", "mount"},
}

// cniPlugins is where Debian puts them.
const cniPlugins = "/usr/lib/cni"

// installPackages installs what is missing, and says so before.
func installPackages(ctx context.Context, progress io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("nodes need root: they make namespaces, mounts and cgroups")
	}
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	install := append([]string{"install", "--yes", "--no-install-recommends"}, missing...)
	say(progress, "installing Debian packages for nodes: apt-get %s", strings.Join(install, " "))
	for _, args := range [][]string{{"update"}, install} {
		command := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("installing %s for nodes, do it yourself where there is no apt-get: %w\n%s", strings.Join(missing, ", "), err, output)
		}
	}
	if missing := missingPackages(); len(missing) > 0 {
		return fmt.Errorf("the packages %s are installed, but their programs are not in PATH", strings.Join(missing, ", "))
	}
	return nil
}

func missingPackages() []string {
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err != nil && !slices.Contains(missing, n.pkg) {
			missing = append(missing, n.pkg)
		}
	}
	return missing
}

// say writes a line of progress. Nobody can act on a failure to write it.
func say(progress io.Writer, format string, args ...any) {
	if progress != nil {
		_, _ = fmt.Fprintf(progress, format+"\n", args...)
	}
}
