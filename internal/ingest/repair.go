package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/idset"
	"bluetrail/internal/integrity"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// Repaired says what Repair did.
type Repaired struct {
	Days  []RepairedDay
	Files int      // read again
	Gone  []string // files and objects that brought events of the days and are not there any more
	// Skipped lists the first problems of what was read again.
	Skipped      []diag.Notice
	SkippedTotal int
	State        string         // where the damaged state lies now, "" when it was readable
	IDs          []idset.Damage // made anew from the store
}

// RepairedDay is a day that lacked events.
type RepairedDay struct {
	Day   tally.Day
	Lost  int64 // events that were missing
	Again int64 // of them, taken in again
}

// Missing is how many events could not be had again.
func (d RepairedDay) Missing() int64 { return max(0, d.Lost-d.Again) }

// Repair takes the files in again that brought events of the days which lack
// some, and drops the alarms. When it is cut off, the alarms stand, and the next
// Repair begins anew. The sink does not see the events again. Only Data, Workers,
// Progress, Limits, Retention, Sink and Objects of the options count.
func Repair(ctx context.Context, o Options) (rep Repaired, err error) {
	again, err := prepareRepair(ctx, &o, &rep)
	if err != nil {
		return rep, err
	}
	for _, from := range slices.Sorted(maps.Keys(again)) {
		how, err := parseOrigin(from)
		if err != nil {
			return rep, err
		}
		how.apply(&o)
		o.Seen = true
		for _, part := range parts(again[from]) {
			o.Paths, o.From = part, nil
			if isObject(part[0]) {
				o.From = o.objects(part, &rep)
			}
			sum, err := Run(ctx, o)
			rep.Files += sum.Files
			rep.SkippedTotal += sum.SkippedTotal
			rep.Skipped = append(rep.Skipped, sum.Skipped[:min(len(sum.Skipped), listed-len(rep.Skipped))]...)
			if err != nil {
				return rep, err
			}
		}
	}
	return rep, finishRepair(&o, &rep)
}

// Objects opens the objects of a bucket by their URLs. end closes the source and returns
// those that are not there any more.
type Objects func(ctx context.Context, urls []string, meta event.Meta, limits file.Limits) (src Input, end func() (gone []string, err error), err error)

func (o *Options) objects(urls []string, rep *Repaired) func(context.Context, *state.DB) (Input, func(bool) error, error) {
	meta, limits := o.meta(), o.Limits
	return func(ctx context.Context, _ *state.DB) (Input, func(bool) error, error) {
		src, end, err := o.Objects(ctx, urls, meta, limits)
		return src, func(bool) error {
			gone, err := end()
			rep.Gone = append(rep.Gone, gone...)
			return err
		}, err
	}
}

// objectScheme is what the paths of objects of S3 begin with.
const objectScheme = "s3://"

func isObject(path string) bool { return strings.HasPrefix(path, objectScheme) }

// parts splits paths into the files and the objects of each bucket.
func parts(paths []string) (list [][]string) {
	by := map[string][]string{}
	for _, path := range paths {
		bucket := ""
		if rest, ok := strings.CutPrefix(path, objectScheme); ok {
			bucket, _, _ = strings.Cut(rest, "/")
		}
		by[bucket] = append(by[bucket], path)
	}
	for _, bucket := range slices.Sorted(maps.Keys(by)) {
		list = append(list, by[bucket])
	}
	return list
}

// prepareRepair forgets what is known of the days and returns the files to take
// in again, by their origin.
func prepareRepair(ctx context.Context, o *Options, rep *Repaired) (again map[string][]string, err error) {
	st, err := vlogs.Open(filepath.Join(o.Data, EventsDir), vlogs.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	db, err := openState(o.Data, rep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	alarms, err := integrity.Check(ctx, st, db)
	if err != nil {
		return nil, err
	}
	ids, err := openIDs(o.Data, db)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ids.Close()) }()
	if rep.IDs, err = mendIDs(ctx, ids, st, db, true); err != nil {
		return nil, err
	}
	tallies, err := db.Tallies()
	if err != nil {
		return nil, err
	}
	again = map[string][]string{}
	seen := map[string]bool{}
	for _, a := range alarms {
		rep.Days = append(rep.Days, RepairedDay{Day: a.Day, Lost: a.Events, Again: -tallies.ByDay()[a.Day].Events})
		if err := renewIDs(ctx, ids, st, db, a.Day); err != nil {
			return nil, err
		}
		first, last := vlogs.DaysIn(a.Day)
		files, err := db.Reread(first, last)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			if isObject(f.Path) && o.Objects != nil {
				again[f.Origin] = append(again[f.Origin], f.Path)
				continue
			}
			if _, err := os.Stat(f.Path); err != nil {
				rep.Gone = append(rep.Gone, f.Path)
				continue
			}
			again[f.Origin] = append(again[f.Origin], f.Path)
		}
	}
	return again, nil
}

// openState opens the state, which is made anew when it cannot be read.
func openState(data string, rep *Repaired) (*state.DB, error) {
	db, err := state.Open(data)
	if err == nil {
		if err = db.Verify(); err == nil {
			return db, nil
		}
		err = errors.Join(err, db.Close())
	}
	if !errors.Is(err, state.ErrDamaged) {
		return nil, err
	}
	if rep.State, err = state.SetAside(data, time.Now()); err != nil {
		return nil, err
	}
	return state.Open(data)
}

// finishRepair counts what came back and drops the alarms.
func finishRepair(o *Options, rep *Repaired) error {
	db, err := state.Open(o.Data)
	if err != nil {
		return err
	}
	defer db.Close()
	tallies, err := db.Tallies()
	if err != nil {
		return err
	}
	for i := range rep.Days {
		d := &rep.Days[i]
		d.Again += tallies.ByDay()[d.Day].Events
		if err := db.Clear(d.Day); err != nil {
			return fmt.Errorf("cannot finish the repair of %s: %w", d.Day, err)
		}
	}
	return nil
}
