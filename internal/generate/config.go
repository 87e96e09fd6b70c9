// Package generate writes the CloudTrail of an organisation that does not
// exist: several accounts, people with working days and nights, services that
// call each other, pipelines, and a handful of attacks staged among them, laid
// out as CloudTrail delivers to S3, with digest files.
//
// Everything follows from [Config]: the same configuration gives the same bytes,
// whatever the number of processors, because each record is drawn from a hash of
// the seed and of its place (account, region, five minutes, number) and never
// from what was generated before it.
package generate

import (
	"errors"
	"fmt"
	"time"
)

// Bounds of a Config.
const (
	MinEvents   = 2000
	MaxEvents   = 1_000_000_000
	MinDays     = 8 // the guide's join looks 7 days back, and needs a close miss from before them
	MaxDays     = 400
	MinAccounts = 4
	MaxAccounts = 50
)

// Config says what to generate.
type Config struct {
	Seed uint64
	// Events is how many different events there are, staged ones included, from
	// MinEvents to MaxEvents. Records delivered twice come on top.
	Events int
	// End is the end of the period (exclusive), the "now" of the trail. It is cut
	// to the hour in UTC, and has no default: a fixed one is what makes two runs alike.
	End time.Time
	// Days is the length of the period, from MinDays to MaxDays.
	Days int
	// Accounts of the organisation, from MinAccounts to MaxAccounts.
	Accounts int
	// Workers is how many goroutines write; 0 means one for each processor. It
	// has no influence on what is written.
	Workers int
	// Ordinary stages no attack, and no call that rules may rightly tell of.
	Ordinary bool
	// Sessions stages a session of every kind that identity tells apart, a few
	// hundred events, among the Events.
	Sessions bool
	// Backfill also writes backfill digests for some hours of the first account and region.
	Backfill bool
}

// Default returns 200,000 events of 10 days in 6 accounts. The caller sets End.
func Default() Config {
	return Config{Seed: 1, Events: 200_000, Days: 10, Accounts: 6}
}

func (c Config) check() error {
	var errs []error
	bound := func(name string, v, least, most int) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("%s is %d, want %d to %d", name, v, least, most))
		}
	}
	bound("Events", c.Events, MinEvents, MaxEvents)
	bound("Days", c.Days, MinDays, MaxDays)
	bound("Accounts", c.Accounts, MinAccounts, MaxAccounts)
	bound("Workers", c.Workers, 0, 1024)
	if year := c.End.UTC().Year(); c.End.IsZero() || year < 2000 || year > 9000 {
		errs = append(errs, fmt.Errorf("end is %v, want a time such as the present", c.End))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot use the configuration: %w", err)
	}
	return nil
}

// Summary says what Write wrote.
type Summary struct {
	Events     int   // different events
	Files      int   // log files, digest files not counted
	Digests    int   // digest files, one an hour for each account and region, and backfill digests
	Duplicates int   // records that repeat an event of an earlier file, under the same eventID
	Late       int   // events delivered in a later file than their neighbours
	Bytes      int64 // log files before compression
	Compressed int64 // log files as written
	Attacks    []Label
	// First and Last are the earliest and latest eventTime.
	First, Last time.Time
}
