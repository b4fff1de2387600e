package schedule

import "time"

// scanDays is how far to look for a slot: two leap days can be eight years apart.
const scanDays = 9 * 366

// calendar triggers at a time of day, on some days.
type calendar struct {
	zone         *time.Location
	hour, minute int
	// on tells whether a day is one of them. Days are their midnights in UTC, created is the day of the schedule's making.
	on func(day, created time.Time) bool
}

func (c calendar) due(history History, now time.Time, catchUp time.Duration) (time.Time, bool) {
	slot := c.latest(history, now)
	return slot, slot.After(history.Last) && !slot.Before(history.Since) && now.Sub(slot) <= catchUp
}

// latest returns the newest slot that is not after now; zero if there is none.
func (c calendar) latest(history History, now time.Time) time.Time {
	today, created := c.day(now), c.day(history.Created)
	for i := range scanDays {
		day := today.AddDate(0, 0, 1-i) // From tomorrow on: where days are skipped, tomorrow can begin today.
		if !c.on(day, created) {
			continue
		}
		if slot := c.at(day); !slot.After(now) {
			return slot
		}
	}
	return time.Time{}
}

func (c calendar) next(history History, now time.Time) time.Time {
	today, created := c.day(now), c.day(history.Created)
	for i := range scanDays {
		day := today.AddDate(0, 0, i-1)
		if !c.on(day, created) {
			continue
		}
		if slot := c.at(day); slot.After(now) {
			return slot
		}
	}
	return time.Time{}
}

func (c calendar) day(t time.Time) time.Time {
	year, month, day := t.In(c.zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// at returns when a day's time of day is. One that occurs twice, because clocks are put back, is the first of both; one that does
// not occur, because they are put forward, is as long after midnight as it would be otherwise: there is always exactly one.
func (c calendar) at(day time.Time) time.Time {
	wall := day.Add(time.Duration(c.hour)*time.Hour + time.Duration(c.minute)*time.Minute)
	_, before := wall.Add(-24 * time.Hour).In(c.zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(c.zone).Zone()
	early, late := wall.Add(-time.Duration(max(before, after))*time.Second), wall.Add(-time.Duration(min(before, after))*time.Second)
	if c.shows(early, wall) {
		return early
	}
	return late
}

// shows tells whether clocks show a wall time at t.
func (c calendar) shows(t, wall time.Time) bool {
	_, offset := t.In(c.zone).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}
