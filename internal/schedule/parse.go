package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	storkv1alpha1 "github.com/godwit-io/godwit/api/v1alpha1"
)

// Parse returns the sections of a policy in the order in which they are asked: interval, daily, weekly, monthly. Times of day are in
// the policy's zone, or in the given one where it names none; nil is UTC. The error names everything that is wrong, in Stork's words
// where it has any.
func Parse(policy storkv1alpha1.SchedulePolicyItem, zone *time.Location) ([]Section, error) {
	p := parser{zone: zone}
	if zone == nil {
		p.zone = time.UTC
	}
	if policy.TimeZone != "" {
		p.timeZone(policy.TimeZone)
	}
	if policy.Interval != nil {
		p.interval(*policy.Interval)
	}
	if policy.Daily != nil {
		p.daily(*policy.Daily)
	}
	if policy.Weekly != nil {
		p.weekly(*policy.Weekly)
	}
	if policy.Monthly != nil {
		p.monthly(*policy.Monthly)
	}
	if len(p.problems) > 0 {
		return nil, errors.Join(p.problems...)
	}
	if len(p.sections) == 0 {
		return nil, errors.New("policy is empty and would never trigger: set interval, daily, weekly or monthly")
	}
	return p.sections, nil
}

// parser gathers sections and problems.
type parser struct {
	zone     *time.Location
	sections []Section
	problems []error
}

func (p *parser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf(format, args...))
}

func (p *parser) timeZone(name string) {
	zone, err := ParseZone(name)
	if err != nil {
		p.problem("Invalid timeZone (%s): %w", name, err)
		return
	}
	p.zone = zone
}

// defaultRetain is Stork's, for sections that do not say how many results to keep.
var defaultRetain = map[storkv1alpha1.SchedulePolicyType]int{
	storkv1alpha1.SchedulePolicyTypeInterval: 10,
	storkv1alpha1.SchedulePolicyTypeDaily:    30,
	storkv1alpha1.SchedulePolicyTypeWeekly:   7,
	storkv1alpha1.SchedulePolicyTypeMonthly:  12,
}

func (p *parser) add(kind storkv1alpha1.SchedulePolicyType, retain int, timing timing) {
	if retain < 0 {
		p.problem("Invalid retain (%d) in %s policy: write how many results to keep, or 0 for the default", retain, kind)
		return
	}
	p.sections = append(p.sections, Section{Type: kind, Retain: cmp.Or(retain, defaultRetain[kind]), timing: timing})
}

func (p *parser) interval(policy storkv1alpha1.IntervalPolicy) {
	if policy.IntervalMinutes < 1 {
		p.problem("Invalid intervalMinutes (%d) in Interval policy: write a whole number of minutes from 1", policy.IntervalMinutes)
		return
	}
	p.add(storkv1alpha1.SchedulePolicyTypeInterval, policy.Retain,
		interval(time.Duration(policy.IntervalMinutes)*time.Minute))
}

func (p *parser) daily(policy storkv1alpha1.DailyPolicy) {
	p.addCalendar(storkv1alpha1.SchedulePolicyTypeDaily, policy.Time, policy.Retain,
		func(time.Time, time.Time) bool { return true })
}

func (p *parser) weekly(policy storkv1alpha1.WeeklyPolicy) {
	const kind = storkv1alpha1.SchedulePolicyTypeWeekly
	weekday, ok := p.weekday(kind, policy.Day)
	if !ok {
		return
	}
	on := func(day, _ time.Time) bool { return day.Weekday() == weekday }
	if policy.Biweekly {
		on = func(day, created time.Time) bool { return day.Weekday() == weekday && fortnight(day, created) }
	}
	p.addCalendar(kind, policy.Time, policy.Retain, on)
}

// fortnight tells whether a day is in a week that counts: the seven days from the making of the schedule on, and every other
// seven days from there.
func fortnight(day, created time.Time) bool {
	days := int(day.Sub(created).Hours()) / 24
	return (days%14+14)%14 < 7
}

// monthly reads the newest form that is set (Stork's public documentation).
func (p *parser) monthly(policy storkv1alpha1.MonthlyPolicy) {
	const kind = storkv1alpha1.SchedulePolicyTypeMonthly
	switch {
	case policy.SelectiveMonthlyPolicy != nil:
		p.selective(*policy.SelectiveMonthlyPolicy)
	case policy.RelativeMonthlyPolicy != nil:
		p.relative(*policy.RelativeMonthlyPolicy)
	case policy.Date < 1 || policy.Date > 31:
		p.problem("Invalid date of the month (%d) in %s policy: write 1 to 31", policy.Date, kind)
	default:
		p.addCalendar(kind, policy.Time, policy.Retain,
			func(day, _ time.Time) bool { return day.Day() == policy.Date || overflow(day, policy.Date) })
	}
}

// overflow tells whether a day stands for a date that the month before it lacks, as 3 March stands for 31 February (Stork's
// public documentation).
func overflow(day time.Time, date int) bool {
	before := day.AddDate(0, 0, -day.Day())
	return date > before.Day() && day.Day() == date-before.Day()
}

// relative triggers on, say, the second Tuesday. The fifth is the last one, also where there are only four.
func (p *parser) relative(policy storkv1alpha1.RelativeMonthlyPolicy) {
	const kind, last = storkv1alpha1.SchedulePolicyTypeMonthly, 5
	weekday, ok := p.weekday(kind, policy.Day)
	if policy.WeeklyIndex < 1 || policy.WeeklyIndex > last {
		p.problem("Invalid weeklyIndex (%d) in %s policy: write 1 to 4, or 5 for the last", policy.WeeklyIndex, kind)
		return
	}
	if !ok {
		return
	}
	p.addCalendar(kind, policy.Time, policy.Retain, func(day, _ time.Time) bool {
		if day.Weekday() != weekday {
			return false
		}
		if policy.WeeklyIndex == last {
			return day.AddDate(0, 0, 7).Month() != day.Month()
		}
		return (day.Day()-1)/7+1 == policy.WeeklyIndex
	})
}

// selective triggers in some months. A date that a month lacks is left out there.
func (p *parser) selective(policy storkv1alpha1.SelectiveMonthlyPolicy) {
	const kind = storkv1alpha1.SchedulePolicyTypeMonthly
	months, err := ParseMonths(policy.Months)
	if err != nil {
		p.problem("Invalid months (%s) in %s policy: %w", policy.Months, kind, err)
		return
	}
	if !months.have(policy.Date) {
		p.problem("Invalid date of the month (%d) in %s policy: write 1 to 31, and one that one of the months has", policy.Date, kind)
		return
	}
	p.addCalendar(kind, policy.Time, policy.Retain,
		func(day, _ time.Time) bool { return day.Day() == policy.Date && months[day.Month()] })
}

func (p *parser) weekday(kind storkv1alpha1.SchedulePolicyType, text storkv1alpha1.Weekday) (time.Weekday, bool) {
	weekday, err := ParseWeekday(string(text))
	if err != nil {
		p.problem("Invalid day of the week (%s) in %s policy: %w", text, kind, err)
	}
	return weekday, err == nil
}

func (p *parser) addCalendar(
	kind storkv1alpha1.SchedulePolicyType, timeOfDay storkv1alpha1.KitchenTime, retain int,
	on func(day, created time.Time) bool,
) {
	hour, minute, err := ParseTimeOfDay(string(timeOfDay))
	if err != nil {
		p.problem("Invalid time (%s) in %s policy: %w", timeOfDay, kind, err)
		return
	}
	p.add(kind, retain, calendar{zone: p.zone, hour: hour, minute: minute, on: on})
}

// ParseZone finds a time zone by its name in the IANA database. The zone of the machine, which is another one on each, has no name.
func ParseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local || name == "" {
		return nil, errors.New("write a name of the IANA time zone database, such as UTC or Europe/Berlin")
	}
	return zone, nil
}

// ParseTimeOfDay reads a time such as 3:04PM or 3:04pm.
func ParseTimeOfDay(text string) (hour, minute int, err error) {
	for _, layout := range []string{time.Kitchen, "3:04pm"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			return parsed.Hour(), parsed.Minute(), nil
		}
	}
	return 0, 0, errors.New("write hour, minute, and AM or PM without a blank, such as 3:04PM")
}

// ParseWeekday reads a day of the week, long or short, in any case.
func ParseWeekday(text string) (time.Weekday, error) {
	short := map[string]time.Weekday{"tues": time.Tuesday, "thur": time.Thursday, "thurs": time.Thursday}
	if day, ok := short[strings.ToLower(text)]; ok {
		return day, nil
	}
	for day := range time.Weekday(7) {
		if isName(text, day.String()) {
			return day, nil
		}
	}
	return 0, errors.New("write one day of the week, such as Sunday or sun")
}

// Months are those of a year, by their numbers.
type Months map[time.Month]bool

// ParseMonths reads names of months, long or short, in any case, separated by commas; none means all.
func ParseMonths(text string) (Months, error) {
	months := Months{}
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		month, ok := parseMonth(name)
		if !ok {
			return nil, fmt.Errorf("%q is no month: write names separated by commas, such as jan,apr", name)
		}
		months[month] = true
	}
	if len(months) == 0 {
		for month := time.January; month <= time.December; month++ {
			months[month] = true
		}
	}
	return months, nil
}

func parseMonth(name string) (time.Month, bool) {
	for month := time.January; month <= time.December; month++ {
		if isName(name, month.String()) {
			return month, true
		}
	}
	return 0, false
}

// isName tells whether text is a name or its first three letters.
func isName(text, name string) bool {
	return strings.EqualFold(text, name) || strings.EqualFold(text, name[:3])
}

// have tells whether one of the months has a date in some year.
func (m Months) have(date int) bool {
	const leapYear = 2024
	for month := range m {
		if date >= 1 && date <= time.Date(leapYear, month+1, 0, 0, 0, 0, 0, time.UTC).Day() {
			return true
		}
	}
	return false
}
