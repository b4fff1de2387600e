package figures

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics are what a process tells of itself at one time, by the name of the metric.
type Metrics map[string]*dto.MetricFamily

// Scrape reads the metrics at a URL.
func Scrape(ctx context.Context, client *http.Client, url string) (Metrics, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// Sum adds up the values of a counter or gauge, over all that have these labels. A metric that is not there is an error; one
// that has no such labels is 0.
func (m Metrics) Sum(name string, labels map[string]string) (float64, error) {
	family, found := m[name]
	if !found {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	total := 0.0
	for _, metric := range family.GetMetric() {
		if has(metric, labels) {
			total += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return total, nil
}

func has(metric *dto.Metric, labels map[string]string) bool {
	matching := 0
	for _, label := range metric.GetLabel() {
		if want, asked := labels[label.GetName()]; asked && want == label.GetValue() {
			matching++
		}
	}
	return matching == len(labels)
}

// PeakMemory reads the greatest resident size of a process so far, in MiB.
func PeakMemory(pid int) (float64, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // It was read.
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		var kib float64
		if strings.HasPrefix(scanner.Text(), "VmHWM:") {
			_, err := fmt.Sscanf(scanner.Text(), "VmHWM: %f kB", &kib)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", pid)
}

// tcpListen is the state of a listening socket in /proc/net/tcp.
const tcpListen = "0A"

// Connections counts the TCP connections that a process holds open, in whatever state.
func Connections(pid int) (int, error) {
	sockets := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(content)) {
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] != tcpListen {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
	}
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, file := range files {
		if target, err := os.Readlink(filepath.Join(folder, file.Name())); err == nil && sockets[target] {
			n++
		}
	}
	return n, nil
}
