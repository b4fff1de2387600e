package schedule

import (
	"testing"
	"time"
)

const (
	firstYear, lastYear = 2010, 2020
	day                 = 24 * time.Hour
)

// midnight is a date, as a time in UTC.
func midnight(year int, month time.Month, date int) time.Time {
	return time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
}

func dateOf(t time.Time) time.Time { return midnight(t.Date()) }

// inEachMonth are the dates that a rule names for each month, counted in the plainest way.
func inEachMonth(rule func(year int, month time.Month) []time.Time) map[time.Time]bool {
	dates := map[time.Time]bool{}
	for month := time.Month(-11); month <= 12*(lastYear-firstYear+2); month++ {
		first := midnight(firstYear, month, 1)
		for _, date := range rule(first.Year(), first.Month()) {
			dates[date] = true
		}
	}
	return dates
}

// weekdays are the dates of a month that are on a weekday.
func weekdays(year int, month time.Month, on time.Weekday) (dates []time.Time) {
	for date := midnight(year, month, 1); date.Month() == month; date = date.Add(day) {
		if date.Weekday() == on {
			dates = append(dates, date)
		}
	}
	return dates
}

func everyDate(year int, month time.Month) (dates []time.Time) {
	for on := range time.Weekday(7) {
		dates = append(dates, weekdays(year, month, on)...)
	}
	return dates
}

// yearly are policies that trigger at ten past two, and the dates on which they have to.
var yearly = map[string]struct {
	policy policy
	dates  map[time.Time]bool
}{
	"daily":  {policy{Daily: &daily{Time: "2:10AM"}}, inEachMonth(everyDate)},
	"weekly": {policy{Weekly: &weekly{Day: "Sunday", Time: "2:10am"}}, inEachMonth(func(y int, m time.Month) []time.Time { return weekdays(y, m, time.Sunday) })},
	"biweekly": {policy{Weekly: &weekly{Day: "sun", Time: "2:10am", Biweekly: true}}, func() map[time.Time]bool {
		dates := map[time.Time]bool{}
		for date := midnight(firstYear, 1, 3); date.Year() <= lastYear; date = date.Add(14 * day) { // The first Sunday.
			dates[date] = true
		}
		return dates
	}()},
	"monthly, rolling over": {policy{Monthly: &monthly{Date: 31, Time: "2:10AM"}},
		inEachMonth(func(y int, m time.Month) []time.Time { return []time.Time{midnight(y, m, 31)} })},
	"on the third Sunday": {policy{Monthly: &monthly{RelativeMonthlyPolicy: &relative{Day: "Sun", WeeklyIndex: 3, Time: "2:10AM"}}},
		inEachMonth(func(y int, m time.Month) []time.Time { return weekdays(y, m, time.Sunday)[2:3] })},
	"on the last Sunday": {policy{Monthly: &monthly{RelativeMonthlyPolicy: &relative{Day: "Sun", WeeklyIndex: 5, Time: "2:10AM"}}},
		inEachMonth(func(y int, m time.Month) []time.Time { all := weekdays(y, m, time.Sunday); return all[len(all)-1:] })},
	"in some months": {policy{Monthly: &monthly{SelectiveMonthlyPolicy: &selective{Months: "feb,mar,oct,dec", Date: 30, Time: "2:10AM"}}},
		inEachMonth(func(y int, m time.Month) []time.Time {
			if m == time.March || m == time.October || m == time.December { // No February has it.
				return []time.Time{midnight(y, m, 30)}
			}
			return nil
		})},
}

// TestEveryMinuteOfTenYears looks at what clocks show in each minute, with which the arithmetic has to agree.
func TestEveryMinuteOfTenYears(t *testing.T) {
	for _, name := range []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := zone(t, name)
			start, end := midnight(firstYear, 1, 1).Add(12*time.Hour), midnight(lastYear, 1, 1).Add(12*time.Hour)
			shown := map[time.Time]time.Time{} // By date, when clocks show ten past two for the first time.
			for now := start; now.Before(end); now = now.Add(time.Minute) {
				if local := now.In(zone); local.Hour() == 2 && local.Minute() == 10 {
					if date := dateOf(local); shown[date].IsZero() {
						shown[date] = now
					}
				}
			}
			for form, test := range yearly {
				section := only(t, test.policy, zone)
				history := History{Created: start, Since: start, Last: start}
				runs := map[time.Time]bool{}
				for now := section.Next(history, start); now.Before(end); now = section.Next(history, now) {
					date := dateOf(now.In(zone))
					if at, ok := shown[date]; ok && test.dates[date] && at.Equal(now) {
						runs[date] = true
						continue
					}
					// Where the time does not occur, the run is as long after midnight as it would be otherwise.
					missing := dateOf(now.In(zone).Add(-2*time.Hour - 10*time.Minute))
					for _, date := range []time.Time{missing, missing.Add(-day)} {
						if _, ok := shown[date]; !ok && test.dates[date] && !runs[date] {
							runs[date], missing = true, time.Time{}
							break
						}
					}
					if !missing.IsZero() {
						t.Fatalf("%s: runs at %s", form, now.In(zone))
					}
				}
				for date := range test.dates {
					noon := time.Date(date.Year(), date.Month(), date.Day(), 12, 0, 0, 0, zone)
					if noon.Day() != date.Day() {
						continue // Clocks never show it: Samoa left out 30 December 2011.
					}
					if date.After(dateOf(start).Add(day)) && date.Before(dateOf(end).Add(-day)) && !runs[date] {
						t.Errorf("%s: does not run on %s", form, date.Format(time.DateOnly))
					}
				}
			}
		})
	}
}

// TestAskedEveryMinuteItRunsOnceASlot asks as often as nobody does, through both changes of the clocks.
func TestAskedEveryMinuteItRunsOnceASlot(t *testing.T) {
	for form, test := range yearly {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			section := only(t, test.policy, zone(t, "America/New_York"))
			start := midnight(firstYear, 1, 1).Add(12 * time.Hour)
			history := History{Created: start, Since: start}
			next := section.Next(history, start)
			for now := start; now.Before(start.Add(365 * day)); now = now.Add(time.Minute) {
				slot, due := section.Due(history, now, day)
				if due != !now.Before(next) || due && !slot.Equal(next) {
					t.Fatalf("at %s slot %s is due: %t, next was %s", now, slot, due, next)
				}
				if due {
					history.Last, next = now, section.Next(history, now)
				}
			}
		})
	}
}
