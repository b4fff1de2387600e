package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// requests reads from the operator's metrics how many requests it has sent to an API server.
func requests(ctx context.Context, metricsURL, server string) (float64, error) {
	parsed, err := url.Parse(server)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metricsURL, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, err
	}
	family, found := families["rest_client_requests_total"]
	if !found {
		return 0, fmt.Errorf("no rest_client_requests_total at %s", metricsURL)
	}
	total := 0.0
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "host" && label.GetValue() == parsed.Host {
				total += metric.GetCounter().GetValue()
			}
		}
	}
	return total, nil
}

// peakMemory reads the greatest resident size of a process so far, in MiB.
func peakMemory(pid int) (float64, error) {
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

// differing counts the objects that were written between two lists.
func differing(before, after map[string]version) int {
	n := 0
	for name, version := range after {
		if before[name] != version {
			n++
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			n++
		}
	}
	return n
}

// recreated counts the objects that have another UID.
func recreated(before, after map[string]version) int {
	n := 0
	for name, version := range before {
		if after[name].uid != version.uid {
			n++
		}
	}
	return n
}

func abs(n int) int { return max(n, -n) }
