package workload

import (
	"strings"
	"testing"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// database is a custom resource with this metadata.annotations and spec, both in YAML's flow style.
func database(annotations, spec string) string {
	metadata := "{name: db}"
	if annotations != "" {
		metadata = "{name: db, annotations: " + annotations + "}"
	}
	return "{apiVersion: example.com/v1, kind: Database, metadata: " + metadata + ", spec: " + spec + "}"
}

func registered(main storkv1alpha1.SuspendOptions, nested ...storkv1alpha1.SuspendOptions) []storkv1alpha1.ApplicationResource {
	return []storkv1alpha1.ApplicationResource{{
		Group: "example.com", Version: "v1", Kind: "Database", SuspendOptions: main, NestedSuspendOptions: nested,
	}}
}

func option(path, valueType, value string) storkv1alpha1.SuspendOptions {
	return storkv1alpha1.SuspendOptions{Path: path, Type: storkv1alpha1.SuspendValueType(valueType), Value: value}
}

func TestWholeNumber(t *testing.T) {
	registrations := registered(option("spec.replicas", "int", ""))
	for name, tc := range map[string]roundTrip{
		"becomes 0 and comes back": {
			before:    database("", "{replicas: 3}"),
			suspended: database("{stork.libopenstorage.org/spec.replicas: '3,0'}", "{replicas: 0}"),
		},
		"that was 0 on purpose stays so": {
			before:    database("", "{replicas: 0}"),
			suspended: database("{stork.libopenstorage.org/spec.replicas: '0,0'}", "{replicas: 0}"),
		},
		"that Stork remembered comes back as a number": {
			before:  database("{stork.libopenstorage.org/spec.replicas: '4,'}", "{replicas: 0}"),
			resumed: database("", "{replicas: 4}"),
		},
		"that is missing is not set": {
			before:    database("", "{size: 1}"),
			suspended: database("{stork.libopenstorage.org/spec.replicas: ',0'}", "{size: 1}"),
		},
		"that Stork left a memo of is read anew where it is not 0": {
			before:    database("{stork.libopenstorage.org/spec.replicas: '4,'}", "{replicas: 6}"),
			suspended: database("{stork.libopenstorage.org/spec.replicas: '6,0'}", "{replicas: 0}"),
			resumed:   database("", "{replicas: 6}"),
		},
		"with an unreadable memo of 0 was 0": {
			before:    database("{stork.libopenstorage.org/spec.replicas: 'x,0'}", "{replicas: 0}"),
			suspended: database("{stork.libopenstorage.org/spec.replicas: '0,0'}", "{replicas: 0}"),
			resumed:   database("", "{replicas: 0}"),
		},
		"of an early version of Stork comes back": {
			before: database("{stork.libopenstorage.org/migrationCRDActivate: '2', stork.libopenstorage.org/migrationCRDDeactivate: '0'}",
				"{replicas: 0}"),
			resumed: database("", "{replicas: 2}"),
		},
	} {
		tc.registrations = registrations
		t.Run(name, tc.run)
	}
	t.Run("that somebody set since stays and its memo goes", func(t *testing.T) {
		obj := parse(t, database("{stork.libopenstorage.org/spec.replicas: '4,0'}", "{replicas: 6}"))
		expect(t, "Resume", Resume, obj, NewRegistrations(registrations), database("", "{replicas: 6}"))
	})
	t.Run("of another type gives an error", func(t *testing.T) {
		expectError(t, Suspend, database("", "{replicas: '3'}"), registrations,
			"Database db: spec.replicas must be a whole number, got a string: correct it, or the type or path in the kind's ApplicationRegistration")
		expectError(t, Suspend, database("", "{replicas: 1.5}"), registrations, "spec.replicas must be a whole number, got a number")
	})
}

func TestBoolean(t *testing.T) {
	paused := registered(option("spec.paused", "bool", ""))
	for name, tc := range map[string]roundTrip{
		"is true without a value and comes back": {
			before:    database("", "{paused: false}"),
			suspended: database("{stork.libopenstorage.org/spec.paused: 'false,true'}", "{paused: true}"), registrations: paused,
		},
		"that was paused on purpose stays so": {
			before:    database("", "{paused: true}"),
			suspended: database("{stork.libopenstorage.org/spec.paused: 'true,true'}", "{paused: true}"), registrations: paused,
		},
		"that is missing is false": {
			before:    database("", "{size: 1}"),
			suspended: database("{stork.libopenstorage.org/spec.paused: 'false,true'}", "{size: 1, paused: true}"),
			resumed:   database("", "{size: 1, paused: false}"), registrations: paused,
		},
		"that Stork suspended without remembering it is resumed": {
			before:  database("{stork.libopenstorage.org/spec.paused: ',true'}", "{paused: true}"),
			resumed: database("", "{paused: false}"), registrations: paused,
		},
		"may be suspended by false": {
			before:        database("", "{enabled: true}"),
			suspended:     database("{stork.libopenstorage.org/spec.enabled: 'true,false'}", "{enabled: false}"),
			registrations: registered(option("spec.enabled", "bool", "false")),
		},
	} {
		t.Run(name, tc.run)
	}
}

func TestString(t *testing.T) {
	for name, tc := range map[string]roundTrip{
		"is replaced and comes back": {
			before:        database("", "{mode: Always}"),
			suspended:     database("{stork.libopenstorage.org/spec.mode: 'Always,Never'}", "{mode: Never}"),
			registrations: registered(option("spec.mode", "string", "Never")),
		},
		"may contain commas on both sides": {
			before:        database("", "{mode: 'a,b,c'}"),
			suspended:     database("{stork.libopenstorage.org/spec.mode: 'a,b,c,x,y'}", "{mode: 'x,y'}"),
			registrations: registered(option("spec.mode", "string", "x,y")),
		},
		"that is missing goes again": {
			before:        database("", "{size: 1}"),
			suspended:     database("{stork.libopenstorage.org/spec.deep.mode: ',Never'}", "{size: 1, deep: {mode: Never}}"),
			registrations: registered(option("spec.deep.mode", "string", "Never")),
		},
		"suspended by a value that has been registered differently since comes back": {
			before:    database("{stork.libopenstorage.org/spec.mode: 'Always,NEVER'}", "{mode: NEVER}"),
			suspended: database("{stork.libopenstorage.org/spec.mode: 'NEVER,Never'}", "{mode: Never}"),
			resumed:   database("", "{mode: NEVER}"), registrations: registered(option("spec.mode", "string", "Never")),
		},
	} {
		t.Run(name, tc.run)
	}
	t.Run("suspended by another value than the registered one is recognised by its memo", func(t *testing.T) {
		obj := parse(t, database("{stork.libopenstorage.org/spec.mode: 'Always,NEVER'}", "{mode: NEVER}"))
		expect(t, "Resume", Resume, obj, NewRegistrations(registered(option("spec.mode", "string", "Never"))), database("", "{mode: Always}"))
	})
}

func TestSeveralOptions(t *testing.T) {
	roundTrip{
		before: database("", "{backup: {replicas: 1}, paused: false}"),
		suspended: database("{stork.libopenstorage.org/spec.backup.replicas: '1,0', stork.libopenstorage.org/spec.paused: 'false,true'}",
			"{backup: {replicas: 0}, paused: true}"),
		registrations: registered(option("spec.paused", "bool", "true"), option("spec.backup.replicas", "int", "")),
	}.run(t)
}

func TestPathWithoutDotIsIgnored(t *testing.T) {
	roundTrip{before: database("", "{replicas: 3}"), registrations: registered(option("spec", "nonsense", ""))}.run(t)
}

func TestValidateRegistration(t *testing.T) {
	for name, tc := range map[string]struct {
		option storkv1alpha1.SuspendOptions
		want   string
	}{
		"accepts a whole number":             {option: option("spec.replicas", "int", "")},
		"accepts a boolean without a value":  {option: option("spec.paused", "bool", "")},
		"accepts no path":                    {},
		"refuses the index of a list":        {option("spec.groups[0].replicas", "int", ""), "indexes of lists are not supported"},
		"refuses an empty part":              {option("spec..replicas", "int", ""), "a part is empty"},
		"refuses an unknown type":            {option("spec.replicas", "float", ""), `type "float": write bool, int or string`},
		"refuses a boolean that is none":     {option("spec.paused", "bool", "yes please"), "write true, false or nothing"},
		"refuses a string without a value":   {option("spec.mode", "string", ""), "value of type string is empty"},
		"refuses what no annotation can say": {option("spec."+strings.Repeat("x", 60), "int", ""), "cannot be remembered in an annotation"},
		"refuses a blank":                    {option("spec.the replicas", "int", ""), "cannot be remembered in an annotation"},
	} {
		t.Run(name, func(t *testing.T) {
			resource := registered(option("spec.ok", "int", ""), tc.option)[0]
			err := ValidateRegistration(resource)
			if tc.want == "" && err != nil {
				t.Errorf("unexpected error: %v", err)
			}
			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "customSuspendOptions[0] of Database: ")) {
				t.Errorf("want an error with %q, got %v", tc.want, err)
			}
			if tc.want != "" {
				expectError(t, Suspend, database("", "{ok: 1}"), []storkv1alpha1.ApplicationResource{resource}, tc.want)
			}
		})
	}
	t.Run("names every problem", func(t *testing.T) {
		err := ValidateRegistration(registered(option("a..b", "int", ""), option("a.b", "x", ""))[0])
		if err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
			t.Errorf("want two problems, got %v", err)
		}
	})
}
