package schedule

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // The machine may have none.
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			return parsed
		}
	}
	t.Fatalf("no time: %q", text)
	return time.Time{}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

func only(t *testing.T, p policy, zone *time.Location) Section {
	t.Helper()
	sections, err := Parse(p, zone)
	if err != nil || len(sections) != 1 {
		t.Fatalf("%d sections, error %v", len(sections), err)
	}
	return sections[0]
}

// 21 November 2026 is a Saturday.
func TestDue(t *testing.T) {
	const catchUp = 24 * time.Hour
	hourly, nightly := policy{Interval: &every{IntervalMinutes: 60}}, policy{Daily: &daily{Time: "11:15PM"}}
	sundays := policy{Weekly: &weekly{Day: "Sunday", Time: "11:15pm"}}
	fortnights := policy{Weekly: &weekly{Day: "Sunday", Time: "11:15pm", Biweekly: true}}
	for name, test := range map[string]struct {
		policy                    policy
		created, since, last, now string // created and since are long ago where they are empty.
		slot                      string // Empty where nothing is due.
	}{
		"an interval that never ran":                 {policy: hourly, created: "2026-11-01", now: "2026-11-21 06:20", slot: "2026-11-21 06:00"},
		"an interval that is not over":               {policy: hourly, last: "2026-11-21 05:01", now: "2026-11-21 06:00"},
		"an interval that is over":                   {policy: hourly, last: "2026-11-21 05:00", now: "2026-11-21 06:00", slot: "2026-11-21 06:00"},
		"an interval that was missed often":          {policy: hourly, last: "2026-11-01 05:00", now: "2026-11-21 06:30", slot: "2026-11-21 06:00"},
		"an interval whose last run is ahead":        {policy: hourly, last: "2026-11-21 06:01", now: "2026-11-21 06:00"},
		"a day before its time":                      {policy: nightly, last: "2026-11-20 23:15", now: "2026-11-21 23:14:59"},
		"a day at its time":                          {policy: nightly, last: "2026-11-20 23:15", now: "2026-11-21 23:15", slot: "2026-11-21 23:15"},
		"a day after its time":                       {policy: nightly, last: "2026-11-21 23:14", now: "2026-11-21 23:16", slot: "2026-11-21 23:15"},
		"a day that ran":                             {policy: nightly, last: "2026-11-21 23:15", now: "2026-11-21 23:16"},
		"a day that was missed":                      {policy: nightly, last: "2026-11-01 23:15", now: "2026-11-21 06:00", slot: "2026-11-20 23:15"},
		"a day that never ran":                       {policy: nightly, now: "2026-11-21 06:00", slot: "2026-11-20 23:15"},
		"a day before the schedule was there":        {policy: nightly, since: "2026-11-21 05:00", now: "2026-11-21 06:00"},
		"a day before the policy was this one":       {policy: nightly, since: "2026-11-20 23:16", last: "2026-11-01 23:15", now: "2026-11-21 06:00"},
		"a day since the policy was this one":        {policy: nightly, since: "2026-11-20 23:15", last: "2026-11-01 23:15", now: "2026-11-21 06:00", slot: "2026-11-20 23:15"},
		"a fortnight's first week":                   {policy: fortnights, created: "2026-11-14", now: "2026-11-15 23:20", slot: "2026-11-15 23:15"},
		"a fortnight's second week":                  {policy: fortnights, created: "2026-11-07", now: "2026-11-15 23:20"},
		"a week that is missed for longer than that": {policy: sundays, last: "2026-11-08 23:15", now: "2026-11-17 06:00"},
		"a week that is missed for less":             {policy: sundays, last: "2026-11-08 23:15", now: "2026-11-16 23:00", slot: "2026-11-15 23:15"},
		"a week on another day":                      {policy: sundays, last: "2026-11-15 23:15", now: "2026-11-19 12:00"},
	} {
		t.Run(name, func(t *testing.T) {
			history := History{Created: at(t, "2020-01-01")}
			if test.created != "" {
				history.Created = at(t, test.created)
			}
			if test.since != "" {
				history.Since = at(t, test.since)
			}
			if test.last != "" {
				history.Last = at(t, test.last)
			}
			slot, due := only(t, test.policy, nil).Due(history, at(t, test.now), catchUp)
			if due != (test.slot != "") || due && !slot.Equal(at(t, test.slot)) {
				t.Errorf("slot %s is due: %t, want %q", slot, due, test.slot)
			}
		})
	}
}

func TestNext(t *testing.T) {
	month := func(m monthly) policy { m.Time = "12:00AM"; return policy{Monthly: &m} }
	second := &relative{Day: "Tuesday", WeeklyIndex: 2, Time: "12:00AM"}
	last := &relative{Day: "Fri", WeeklyIndex: 5, Time: "12:00AM"}
	for name, test := range map[string]struct {
		policy policy
		want   []string
	}{
		"every ninety minutes":      {policy{Interval: &every{IntervalMinutes: 90}}, []string{"2027-01-31 13:30", "2027-01-31 15:00"}},
		"days":                      {policy{Daily: &daily{Time: "12:04PM"}}, []string{"2027-01-31 12:04", "2027-02-01 12:04"}},
		"weeks":                     {policy{Weekly: &weekly{Day: "wed", Time: "1:00AM"}}, []string{"2027-02-03 01:00", "2027-02-10 01:00"}},
		"fortnights":                {policy{Weekly: &weekly{Day: "wed", Time: "1:00AM", Biweekly: true}}, []string{"2027-02-03 01:00", "2027-02-17 01:00", "2027-03-03 01:00"}},
		"the fifteenth":             {month(monthly{Date: 15}), []string{"2027-02-15", "2027-03-15"}},
		"the thirty-first":          {month(monthly{Date: 31}), []string{"2027-03-03", "2027-03-31", "2027-05-01", "2027-05-31"}},
		"the thirtieth":             {month(monthly{Date: 30}), []string{"2027-03-02", "2027-03-30", "2027-04-30"}},
		"the second Tuesday":        {month(monthly{RelativeMonthlyPolicy: second}), []string{"2027-02-09", "2027-03-09"}},
		"the last Friday":           {month(monthly{RelativeMonthlyPolicy: last}), []string{"2027-02-26", "2027-03-26", "2027-04-30"}},
		"the end of some months":    {month(monthly{SelectiveMonthlyPolicy: &selective{Months: "feb, Mar,apr,MAY", Date: 31, Time: "12:00AM"}}), []string{"2027-03-31", "2027-05-31", "2028-03-31"}},
		"leap days":                 {month(monthly{SelectiveMonthlyPolicy: &selective{Months: "February", Date: 29, Time: "12:00AM"}}), []string{"2028-02-29", "2032-02-29"}},
		"some months before others": {month(monthly{Date: 3, RelativeMonthlyPolicy: second, SelectiveMonthlyPolicy: &selective{Date: 7, Time: "12:00AM"}}), []string{"2027-02-07"}},
		"weekdays before dates":     {month(monthly{Date: 3, RelativeMonthlyPolicy: second}), []string{"2027-02-09"}},
	} {
		t.Run(name, func(t *testing.T) {
			section, now := only(t, test.policy, nil), at(t, "2027-01-31 12:00")
			for _, want := range test.want {
				history := History{Created: at(t, "2027-01-31"), Last: now}
				if now = section.Next(history, now); !now.Equal(at(t, want)) {
					t.Fatalf("got %s, want %s", now, want)
				}
			}
		})
	}
}

func TestClocksThatAreChanged(t *testing.T) {
	for name, test := range map[string]struct{ zone, time, day, want string }{
		"an ordinary day":                   {"America/New_York", "2:30AM", "2026-03-07", "2026-03-07 07:30"},
		"a time that does not occur":        {"America/New_York", "2:30AM", "2026-03-08", "2026-03-08 07:30"},
		"a time that occurs twice":          {"America/New_York", "1:30AM", "2026-11-01", "2026-11-01 05:30"},
		"the rest of a long day":            {"America/New_York", "3:00AM", "2026-11-01", "2026-11-01 08:00"},
		"half an hour that does not occur":  {"Australia/Lord_Howe", "2:15AM", "2026-10-04", "2026-10-03 15:45"},
		"a midnight that does not occur":    {"America/Santiago", "12:00AM", "2026-09-06", "2026-09-06 04:00"},
		"a day that does not occur":         {"Pacific/Apia", "1:00AM", "2011-12-30", "2011-12-30 11:00"},
		"the day after one that was missed": {"Pacific/Apia", "1:00AM", "2011-12-31", "2011-12-30 11:00"},
	} {
		t.Run(name, func(t *testing.T) {
			section := only(t, policy{Daily: &daily{Time: "3:04PM"}}, zone(t, test.zone))
			c := section.timing.(calendar)
			var err error
			if c.hour, c.minute, err = ParseTimeOfDay(test.time); err != nil {
				t.Fatal(err)
			}
			if got := c.at(at(t, test.day)); !got.Equal(at(t, test.want)) {
				t.Errorf("got %s, want %s", got.UTC(), test.want)
			}
		})
	}
}

// TestEachSlotRunsOnce asks at random times, as a controller does that is down now and then.
func TestEachSlotRunsOnce(t *testing.T) {
	for _, p := range []policy{
		{Interval: &every{IntervalMinutes: 45}},
		{Daily: &daily{Time: "2:30AM"}},
		{Weekly: &weekly{Day: "sun", Time: "1:30AM", Biweekly: true}},
		{Monthly: &monthly{Date: 31, Time: "2:15AM"}},
	} {
		section := only(t, p, zone(t, "Europe/Berlin"))
		t.Run(string(section.Type), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2)) // Repeatable on purpose.
			created := at(t, "2024-01-01")
			history, now := History{Created: created, Since: created}, created
			const catchUp = 36 * time.Hour
			for now.Before(at(t, "2034-01-01")) {
				expected := section.Next(history, now)
				now = now.Add(time.Duration(random.Int64N(int64(48 * time.Hour))))
				slot, due := section.Due(history, now, catchUp)
				missed := now.After(expected) && (section.Type == "Interval" || now.Sub(slot) <= catchUp)
				if due != (missed || !history.Last.IsZero() && slot.After(history.Last) && now.Sub(slot) <= catchUp || section.Type == "Interval" && history.Last.IsZero()) {
					t.Fatalf("at %s slot %s is due: %t, last is %s, next was %s", now, slot, due, history.Last, expected)
				}
				if !due {
					continue
				}
				if slot.After(now) || !slot.After(history.Last) {
					t.Fatalf("at %s slot %s runs, last was %s", now, slot, history.Last)
				}
				history.Last = slot
				if again, due := section.Due(history, now, catchUp); due {
					t.Fatalf("at %s slot %s runs again", now, again)
				}
			}
		})
	}
}
