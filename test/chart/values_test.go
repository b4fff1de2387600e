package chart_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Values that differ from the chart's own.
const (
	valuesOff     = "testdata/off.yaml"
	valuesChanged = "testdata/changed.yaml"
)

// leaves returns the values in a tree by their dotted paths. Lists and empty maps are values.
func leaves(tree map[string]any) map[string]any {
	found := map[string]any{}
	for key, value := range tree {
		below, isMap := value.(map[string]any)
		if !isMap || len(below) == 0 {
			found[key] = value
			continue
		}
		for path, leaf := range leaves(below) {
			found[key+"."+path] = leaf
		}
	}
	return found
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(content, &tree); err != nil {
		t.Fatal(err)
	}
	return leaves(tree)
}

func TestLint(t *testing.T) {
	for name, args := range map[string][]string{
		"the chart's own values": nil,
		"all switched over":      {"--values", valuesOff},
		"all changed":            {"--values", valuesChanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := helm(t.Context(), nil, append([]string{"lint", "--strict", chart}, args...)...)
			if err != nil {
				t.Errorf("%s%v", output, err)
			}
		})
	}
}

// What the tests of values show holds for all values only if there is none that these files leave as it is.
func TestValuesDifferFromDefaults(t *testing.T) {
	defaults, off, changed := readValues(t, chart+"/values.yaml"), readValues(t, valuesOff), readValues(t, valuesChanged)
	for path, value := range defaults {
		other, isChanged := changed[path]
		if _, isMap := value.(map[string]any); isMap { // Empty by default: what is changed lies below.
			for below := range changed {
				isChanged = isChanged || strings.HasPrefix(below, path+".")
			}
		}
		switched, isOff := off[path]
		if (!isChanged || reflect.DeepEqual(other, value)) && (!isOff || reflect.DeepEqual(switched, value)) {
			t.Errorf("%s is %v in all of the files", path, value)
		}
	}
}

func TestValuesAreUsed(t *testing.T) {
	rendered, err := template(t.Context(), "--values", valuesChanged)
	if err != nil {
		t.Fatal(err)
	}
	for path, value := range readValues(t, valuesChanged) {
		if _, isSwitch := value.(bool); isSwitch {
			continue
		}
		for _, text := range texts(value) {
			if !strings.Contains(rendered, text) {
				t.Errorf("%s: %s appears nowhere", path, text)
			}
		}
	}
}

// texts returns the strings and numbers in a value.
func texts(value any) []string {
	var found []string
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			found = append(found, texts(item)...)
		}
	case map[string]any:
		for item := range maps.Values(value) {
			found = append(found, texts(item)...)
		}
	default:
		found = append(found, fmt.Sprint(value))
	}
	return found
}

func TestSwitchesSwitch(t *testing.T) {
	defaults, err := template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for path, value := range readValues(t, chart+"/values.yaml") {
		on, isSwitch := value.(bool)
		if !isSwitch {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			args := []string{"--set", fmt.Sprintf("%s=%t", path, !on)}
			if path == "serviceAccount.create" {
				args = append(args, "--set", "serviceAccount.name=somebody")
			}
			rendered, err := template(t.Context(), args...)
			if err != nil {
				t.Fatal(err)
			}
			if rendered == defaults {
				t.Error("it makes no difference")
			}
		})
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		// set is a value in JSON.
		set, want string
	}{
		"an unknown value":                    {`replica=1`, "'replica' not allowed"},
		"an unknown value below another":      {`metrics.prot=1`, "'prot' not allowed"},
		"a text for a number":                 {`replicas="two"`, "at '/replicas'"},
		"fewer replicas than none":            {`replicas=-1`, "at '/replicas'"},
		"a part of a replica":                 {`replicas=1.5`, "at '/replicas'"},
		"a text for a switch":                 {`networkPolicy.enabled="false"`, "at '/networkPolicy/enabled'"},
		"no image":                            {`image.repository=""`, "at '/image/repository'"},
		"no image at all":                     {`image=null`, "missing property 'image'"},
		"a tag that is none":                  {`image.tag="v1 beta"`, "at '/image/tag'"},
		"a pull policy that is none":          {`image.pullPolicy="Sometimes"`, "at '/image/pullPolicy'"},
		"a pull Secret without its field":     {`image.pullSecrets=["registry"]`, "at '/image/pullSecrets/0'"},
		"a pull Secret without name":          {`image.pullSecrets=[{"nam":"registry"}]`, "at '/image/pullSecrets/0'"},
		"an admin namespace that is none":     {`adminNamespace="Kube_System"`, "at '/adminNamespace'"},
		"no admin namespace":                  {`adminNamespace=null`, "missing property 'adminNamespace'"},
		"no concurrent Migration":             {`migration.maxConcurrent=0`, "at '/migration/maxConcurrent'"},
		"no thread":                           {`migration.maxThreads=0`, "at '/migration/maxThreads'"},
		"a duration without unit":             {`migration.deadline="30"`, "at '/migration/deadline'"},
		"a duration as a number":              {`migration.deadline=30`, "at '/migration/deadline'"},
		"a duration of days, unknown to Go":   {`migration.deadline="1d"`, "at '/migration/deadline'"},
		"a zone that is a file":               {`schedule.timeZone="/etc/localtime"`, "at '/schedule/timeZone'"},
		"a negative time to make up for":      {`schedule.catchUp="-1h"`, "at '/schedule/catchUp'"},
		"a deadline that nothing can keep":    {`migration.pendingDeadline="0s"`, "at '/migration/pendingDeadline'"},
		"a command that would become two":     {`clusterPair.allowedExecCommands=["aws,gcloud"]`, "at '/clusterPair/allowedExecCommands/0'"},
		"a command that is none":              {`clusterPair.allowedExecCommands=[""]`, "at '/clusterPair/allowedExecCommands/0'"},
		"somebody else's account, not named":  {`serviceAccount.create=false`, "at '/serviceAccount"},
		"an account name that is none":        {`serviceAccount.name="my account"`, "at '/serviceAccount/name'"},
		"an annotation that is no text":       {`serviceAccount.annotations={"a":1}`, "at '/serviceAccount/annotations/a'"},
		"a port that is none":                 {`metrics.port=70000`, "at '/metrics/port'"},
		"the port of the probes":              {`metrics.port=8081`, "at '/metrics/port'"},
		"an interval that is none":            {`metrics.serviceMonitor.interval="often"`, "at '/metrics/serviceMonitor/interval'"},
		"a disruption of more than all":       {`podDisruptionBudget.maxUnavailable="101%"`, "at '/podDisruptionBudget/maxUnavailable'"},
		"a disruption of a number as text":    {`podDisruptionBudget.maxUnavailable="1"`, "at '/podDisruptionBudget/maxUnavailable'"},
		"tolerations that are no list":        {`tolerations={"key":"a"}`, "at '/tolerations'"},
		"an argument that would be a command": {`extraArgs=["mover"]`, "at '/extraArgs/0'"},
		"variables without names":             {`extraEnv=[{"PX_NAMESPACE":"portworx"}]`, "at '/extraEnv/0'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template(t.Context(), "--set-json", test.set)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
