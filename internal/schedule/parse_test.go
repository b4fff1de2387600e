package schedule

import (
	"strings"
	"testing"
	"time"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

type (
	policy    = storkv1alpha1.SchedulePolicyItem
	every     = storkv1alpha1.IntervalPolicy
	daily     = storkv1alpha1.DailyPolicy
	weekly    = storkv1alpha1.WeeklyPolicy
	monthly   = storkv1alpha1.MonthlyPolicy
	relative  = storkv1alpha1.RelativeMonthlyPolicy
	selective = storkv1alpha1.SelectiveMonthlyPolicy
)

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		policy policy
		want   string
	}{
		"a policy that never triggers": {policy{}, "policy is empty"},
		"no interval":                  {policy{Interval: &every{}}, "Invalid intervalMinutes (0) in Interval policy"},
		"a negative interval":          {policy{Interval: &every{IntervalMinutes: -15}}, "Invalid intervalMinutes (-15) in Interval policy"},
		"a negative number to keep":    {policy{Interval: &every{IntervalMinutes: 1, Retain: -1}}, "Invalid retain (-1) in Interval policy"},
		"hour 25":                      {policy{Daily: &daily{Time: "25:04PM"}}, "Invalid time (25:04PM) in Daily policy"},
		"hour 13 of an afternoon":      {policy{Daily: &daily{Time: "13:15pm"}}, "Invalid time (13:15pm) in Daily policy"},
		"a time of mixed case":         {policy{Daily: &daily{Time: "12:04Pm"}}, "Invalid time (12:04Pm) in Daily policy"},
		"no time":                      {policy{Weekly: &weekly{Day: "Sunday"}}, "Invalid time () in Weekly policy"},
		"a day that is none":           {policy{Weekly: &weekly{Day: "T", Time: "1:00AM"}}, "Invalid day of the week (T) in Weekly policy"},
		"several days":                 {policy{Weekly: &weekly{Day: "Mon,Tue", Time: "1:00AM"}}, "Invalid day of the week (Mon,Tue) in Weekly policy"},
		"date 32":                      {policy{Monthly: &monthly{Date: 32, Time: "1:00AM"}}, "Invalid date of the month (32) in Monthly policy"},
		"no date":                      {policy{Monthly: &monthly{Time: "1:00AM"}}, "Invalid date of the month (0) in Monthly policy"},
		"a sixth week":                 {policy{Monthly: &monthly{RelativeMonthlyPolicy: &relative{Day: "Mon", WeeklyIndex: 6, Time: "1:00AM"}}}, "Invalid weeklyIndex (6)"},
		"a month that is none":         {policy{Monthly: &monthly{SelectiveMonthlyPolicy: &selective{Months: "jan,foo", Date: 1, Time: "1:00AM"}}}, `"foo" is no month`},
		"a date that no month has":     {policy{Monthly: &monthly{SelectiveMonthlyPolicy: &selective{Months: "feb", Date: 30, Time: "1:00AM"}}}, "Invalid date of the month (30)"},
		"a zone that is none":          {policy{Daily: &daily{Time: "1:00AM"}, TimeZone: "Berlin"}, "Invalid timeZone (Berlin): write a name of the IANA"},
		"the zone of a machine":        {policy{Daily: &daily{Time: "1:00AM"}, TimeZone: "Local"}, "Invalid timeZone (Local)"},
		"a file in place of a zone":    {policy{Daily: &daily{Time: "1:00AM"}, TimeZone: "../etc/passwd"}, "Invalid timeZone (../etc/passwd)"},
		"two sections":                 {policy{Interval: &every{}, Daily: &daily{Time: "noon"}}, "policy: write a whole number of minutes from 1\nInvalid time (noon)"},
		"one section of several":       {policy{Interval: &every{IntervalMinutes: 5}, Daily: &daily{Time: "noon"}}, "Invalid time (noon) in Daily policy"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(test.policy, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestParseKeepsOrderAndRetain(t *testing.T) {
	sections, err := Parse(policy{
		Monthly: &monthly{Date: 1, Time: "1:00AM"}, Weekly: &weekly{Day: "sun", Time: "1:00am", Retain: 3},
		Daily: &daily{Time: "1:00AM"}, Interval: &every{IntervalMinutes: 15, Retain: 7},
	}, nil)
	if err != nil || len(sections) != 4 {
		t.Fatalf("got %d sections, error %v", len(sections), err)
	}
	for i, want := range []Section{
		{Type: storkv1alpha1.SchedulePolicyTypeInterval, Retain: 7},
		{Type: storkv1alpha1.SchedulePolicyTypeDaily, Retain: 30},
		{Type: storkv1alpha1.SchedulePolicyTypeWeekly, Retain: 3},
		{Type: storkv1alpha1.SchedulePolicyTypeMonthly, Retain: 12},
	} {
		if got := sections[i]; got.Type != want.Type || got.Retain != want.Retain {
			t.Errorf("section %d is %s and keeps %d, want %s and %d", i, got.Type, got.Retain, want.Type, want.Retain)
		}
	}
}

func TestParsePrefersThePolicysZone(t *testing.T) {
	for name, test := range map[string]struct{ policy, fallback, want string }{
		"to the operator's":          {"Asia/Kolkata", "America/New_York", "2026-11-21 18:30"},
		"over none":                  {"", "America/New_York", "2026-11-22 05:00"},
		"to UTC, where none is told": {"", "", "2026-11-22 00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			var fallback *time.Location
			if test.fallback != "" {
				fallback = zone(t, test.fallback)
			}
			section := only(t, policy{Daily: &daily{Time: "12:00AM"}, TimeZone: test.policy}, fallback)
			if next := section.Next(History{}, at(t, "2026-11-21 12:00")); !next.Equal(at(t, test.want)) {
				t.Errorf("got %s, want %s", next.UTC(), test.want)
			}
		})
	}
}

func TestParseWeekdayReadsLongAndShortNames(t *testing.T) {
	for text, want := range map[string]time.Weekday{
		"Sunday": time.Sunday, "SUN": time.Sunday, "mon": time.Monday, "Tues": time.Tuesday, "tue": time.Tuesday,
		"Thur": time.Thursday, "thurs": time.Thursday, "thursday": time.Thursday, "sat": time.Saturday,
	} {
		if got, err := ParseWeekday(text); err != nil || got != want {
			t.Errorf("%s: got %s, error %v", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("3:04PM", "Sunday", "jan,feb", "UTC", 31, 5, 15, uint8(0))
	f.Add("12:00am", "thurs", "", "Australia/Lord_Howe", 1, 1, 1, uint8(255))
	now := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, timeOfDay, day, months, zone string, date, index, minutes int, set uint8) {
		has := func(bit int) bool { return set&(1<<bit) != 0 }
		kitchen, weekday := storkv1alpha1.KitchenTime(timeOfDay), storkv1alpha1.Weekday(day)
		p := policy{TimeZone: zone}
		if has(0) {
			p.Interval = &every{IntervalMinutes: minutes % 1e6}
		}
		if has(1) {
			p.Daily = &daily{Time: kitchen}
		}
		if has(2) {
			p.Weekly = &weekly{Day: weekday, Time: kitchen, Biweekly: has(3)}
		}
		if has(4) {
			p.Monthly = &monthly{Date: date, Time: kitchen}
		}
		if has(4) && has(5) {
			p.Monthly.RelativeMonthlyPolicy = &relative{Day: weekday, WeeklyIndex: index, Time: kitchen}
		}
		if has(4) && has(6) {
			p.Monthly.SelectiveMonthlyPolicy = &selective{Months: months, Date: date, Time: kitchen}
		}
		sections, err := Parse(p, nil)
		if err != nil {
			return
		}
		for _, section := range sections {
			history := History{Created: now, Since: now, Last: now}
			next := section.Next(history, now)
			if !next.After(now) {
				t.Fatalf("%s of %+v: next after %s is %s", section.Type, p, now, next)
			}
			if slot, due := section.Due(history, next, 0); !due || !slot.Equal(next) {
				t.Fatalf("%s of %+v: at %s slot %s is due: %t", section.Type, p, next, slot, due)
			}
			if slot, due := section.Due(history, next.Add(-time.Second), time.Hour); due {
				t.Fatalf("%s of %+v: slot %s is due a second too early", section.Type, p, slot)
			}
		}
	})
}
