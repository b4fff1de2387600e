package v1alpha1_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// FuzzTimesOfDay checks that the CRD accepts exactly the times that can be read, whatever the case of their last letters.
func FuzzTimesOfDay(f *testing.F) {
	accepted := celPattern(f, `(AM|PM|am|pm)`)
	for _, seed := range []string{"3:04PM", "03:04am", "12:59pm", "0:00AM", "13:00PM", "3:60PM", "3:4PM", "3:04 PM", "3:04Pm", "", "15:04", "3:04PM\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || strings.HasSuffix(text, "Pm") || strings.HasSuffix(text, "Am") || strings.HasSuffix(text, "pM") || strings.HasSuffix(text, "aM") {
			return // Empty is none, and mixed cases are refused.
		}
		_, err := time.Parse(time.Kitchen, strings.ToUpper(text))
		if accepted.MatchString(text) != (err == nil) && isASCII(text) {
			t.Errorf("%q is accepted: %v, and is read with error %v", text, accepted.MatchString(text), err)
		}
	})
}

// FuzzWeekdays checks that each day that the CRD accepts is one day of the week by its first three letters.
func FuzzWeekdays(f *testing.F) {
	accepted := celPattern(f, `(?i)^(sun(day)?`)
	for _, seed := range []string{"Sunday", "sun", "THURS", "thur", "Tues", "tuesday", "sundays", "", "Mo"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lower, days := strings.ToLower(text), 0
		for day := time.Sunday; day <= time.Saturday; day++ {
			if name := strings.ToLower(day.String()); len(text) >= 3 && name[:3] == lower[:min(len(lower), 3)] && strings.HasPrefix(name, lower) {
				days++
			}
		}
		if accepted.MatchString(text) && isASCII(text) && days != 1 {
			t.Errorf("%q is accepted and is %d days", text, days)
		}
	})
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 127 }) < 0
}

// celPattern returns the pattern of the CEL rule in the CRD that contains the text. CEL matches as Go does.
func celPattern(f *testing.F, text string) *regexp.Regexp {
	f.Helper()
	content, err := os.ReadFile("../../config/crd/bases/stork.libopenstorage.org_schedulepolicies.yaml")
	if err != nil {
		f.Fatal(err)
	}
	// YAML folds long lines and doubles quotes.
	folded := strings.ReplaceAll(strings.Join(strings.Fields(string(content)), " "), "''", "'")
	for _, found := range regexp.MustCompile(`self\.matches\('([^']*)'\)`).FindAllStringSubmatch(folded, -1) {
		if strings.Contains(found[1], text) {
			return regexp.MustCompile(found[1])
		}
	}
	f.Fatalf("no rule with %s in the CRD", text)
	return nil
}
