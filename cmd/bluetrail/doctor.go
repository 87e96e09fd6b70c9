package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/ingest"
	"bluetrail/internal/integrity"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"

	"github.com/dustin/go-humanize"
)

type doctorCmd struct {
	What      string    `arg:"" optional:"" enum:"setup,aws" default:"setup" help:"setup = this installation; aws = the AWS side of the sources: permissions, trails, buckets, queue and keys."`
	AWS       doctorAWS `embed:"" group:"doctor aws"`
	Data      string    `help:"Data directory to inspect (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Knowledge []string  `help:"Folder of macros and lookups to check; repeatable." placeholder:"DIR"`
	Deep      bool      `help:"Read everything: checksums, every record and every id."`
	Problems  int       `help:"Maximum number of unreadable files to list." default:"20" placeholder:"N"`
}

// Run prints what is set up; it fails when something is broken.
func (c *doctorCmd) Run(a *app) error {
	if c.What == "aws" {
		return c.AWS.run(a)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	broken := 0
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", what, diag.Printable(fmt.Sprintf(format, args...)))
	}
	line("bluetrail", "%s, %s, %d cores", version, runtime.Version(), runtime.NumCPU())
	line("language", "%d commands, %d functions, %d aggregates", len(syntax.Commands()), len(syntax.Functions()), len(syntax.Aggregates()))
	line("time zone", "%s", a.cfg.TimeZone)
	line("search limits", "%d MiB of memory, %d MiB of temporary files, %d rows per subsearch, %d per join, %d per sort", a.cfg.Search.MemoryMiB, a.cfg.Search.DiskMiB, a.cfg.Search.SubsearchRows, a.cfg.Search.JoinRows, a.cfg.Search.SortRows)
	geo, err := enrich.OpenGeo(a.cfg.GeoIP)
	if err != nil {
		broken++
		line("locations", "BROKEN: %v", err)
	} else {
		for _, d := range geo.Databases() {
			if d.Err != nil {
				broken++
				line("locations", "BROKEN: %s: %v", d.Path, d.Err)
				continue
			}
			line("locations", "%s: %s of %s", d.Path, d.Type, d.Built.Format("2006-01-02"))
		}
	}
	broken += c.networks(a, line) + c.enrichment(a, line) + c.facts(a, line) + c.outputs(a, line)
	know, err := a.knowledge(c.Data, c.Knowledge)
	if err != nil {
		broken++
		line("knowledge", "BROKEN: %v", err)
	} else {
		know.Check()
		line("knowledge", "%d macros, %d lookups", len(know.MacroNames()), len(know.LookupNames()))
		for _, p := range know.Problems() {
			broken++
			line("knowledge", "BROKEN: %v", p)
		}
	}
	if err := c.data(a, a.dataDir(c.Data), line); err != nil {
		broken++
		line("data", "BROKEN: %v", err)
	}
	if broken > 0 {
		w.Flush()
		return fmt.Errorf("%s found; fix what is marked BROKEN and run bluetrail doctor again", count(broken, "problem"))
	}
	line("next", "%s", c.next(a))
	return nil
}

// next names the thing to do when all is well.
func (c *doctorCmd) next(a *app) string {
	dir := a.dataDir(c.Data)
	if !isDir(filepath.Join(a.path(dir), ingest.EventsDir)) {
		return fmt.Sprintf("bluetrail ingest PATH --data %s", shellWord(dir))
	}
	return fmt.Sprintf("bluetrail search --data %s '* | stats count by eventName | sort - count'", shellWord(dir))
}

// data describes a data directory.
func (c *doctorCmd) data(a *app, dir string, line func(what, format string, args ...any)) error {
	if !isDir(a.path(dir)) {
		line("data", "%q does not exist yet; bluetrail ingest creates it", dir)
		return nil
	}
	db, release, err := a.state(dir)
	if err != nil {
		return err
	}
	defer release()
	files, err := db.Files()
	if err != nil {
		return err
	}
	problems, total, err := db.Problems(c.Problems)
	if err != nil {
		return err
	}
	line("data", "%s: %s ingested, %s", dir, count(files, "file"), count(total, "problem"))
	if err := c.store(a, dir, db, line); err != nil {
		return err
	}
	disabled, err := db.Disabled()
	if err != nil {
		return err
	}
	for _, d := range disabled {
		line("rule disabled", "%s, since %s: %s; it runs again when its text changes", d.Rule, clockOf(d.Since), d.Reason)
	}
	if err := c.health(a, dir, db, line); err != nil {
		return err
	}
	for _, p := range problems {
		line("not ingested", "%s", p)
	}
	if more := total - len(problems); more > 0 {
		line("not ingested", "%s; list them with --problems %d", count(more, "more problem"), total)
	}
	return c.sources(a, db, line)
}

// state opens the state of a data directory; release closes it.
func (a *app) state(dir string) (db *state.DB, release func(), err error) {
	if a.opened != nil {
		return a.opened.State(), func() {}, nil
	}
	if db, err = state.OpenReadable(dir); err != nil {
		return nil, nil, err
	}
	return db, func() { db.Close() }, nil
}

// events opens the store of a data directory for searches and returns the days
// that lack events; release closes it.
func (a *app) events(dir string, deep bool) (st *vlogs.Store, alarms []state.Alarm, release func() error, err error) {
	switch {
	case a.opened == nil:
		if st, alarms, err = integrity.Open(a.ctx, dir, vlogs.Options{ReadOnly: true, Deep: deep}); err != nil {
			return nil, nil, nil, err
		}
		return st, alarms, st.Close, nil
	case deep:
		return nil, nil, nil, errors.New("a server has the data directory open; stop it before using --deep")
	}
	alarms, err = a.opened.State().Alarms()
	return a.opened.Store(), alarms, func() error { return nil }, err
}

// store compares the store with what was taken in.
func (c *doctorCmd) store(a *app, dir string, db *state.DB, line func(what, format string, args ...any)) error {
	st, alarms, release, err := a.events(dir, c.Deep)
	if errors.Is(err, integrity.ErrNoEvents) {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	info := st.Info()
	line("store", "%s on %s, %s on disk; %s", count(int(info.Events), "event"), count(info.Days, "day"), humanize.IBytes(info.Bytes), info.Engine)
	if a.opened == nil && st.ColumnsDamaged() {
		line("columns", "the list of columns is missing or damaged; searches do without it, and the next ingest rebuilds it")
	}
	if err := indexes(a, st, db, line); err != nil {
		return err
	}
	var wrong []integrity.Difference
	if c.Deep {
		if err := db.Verify(); err != nil {
			return err
		}
		if wrong, err = integrity.Deep(a.ctx, st, db); err != nil {
			return err
		}
	}
	for _, d := range st.Damaged() {
		if d.Folder != "" {
			line("set aside", "%s: %s", vlogs.DayName(d.Day), d.Folder)
		}
	}
	for _, l := range alarms {
		line("missing", "%s", integrity.Describe(l))
	}
	for _, w := range wrong {
		line("different", "%s", w)
	}
	if a.opened == nil {
		bad, err := ingest.CheckIDs(dir, db, c.Deep)
		if err != nil {
			return err
		}
		for _, d := range bad {
			line("known ids", "damaged: %s", d)
		}
		if len(bad) > 0 && len(alarms)+len(wrong) == 0 {
			return fmt.Errorf("known ids are damaged; the next ingest makes them anew from the stored events, and so does: bluetrail repair --data %s", dir)
		}
	}
	if err := wholeRead(st, line); err != nil {
		return err
	}
	if n := len(alarms) + len(wrong); n > 0 {
		return fmt.Errorf("%s of events differ from what was ingested; repair them with: bluetrail repair --data %s", count(n, "day"), dir)
	}
	how := "the event counts of all days"
	if c.Deep {
		how = "checksums, every record and every id"
	}
	line("checked", "%s match the ingested events", how)
	return nil
}

// oldCheck is how long stored events may lie without being read whole before
// doctor says so: disks spoil bytes that nobody reads.
const oldCheck = 30 * 24 * time.Hour

// wholeRead says when the store was last read whole, if that is long ago.
func wholeRead(st *vlogs.Store, line func(what, format string, args ...any)) error {
	checked, err := st.Checked()
	if err != nil {
		return err
	}
	oldest := st.OldestPart()
	switch {
	case oldest.IsZero():
	case checked.IsZero() && time.Since(oldest) > oldCheck:
		line("unread", "the stored events, the oldest of them written on %s, were never read whole; check them with: bluetrail doctor --deep", oldest.UTC().Format(time.DateOnly))
	case checked.IsZero():
	case time.Since(checked) > oldCheck && time.Since(oldest) > oldCheck:
		line("unread", "the stored events were last read whole on %s; check them with: bluetrail doctor --deep", checked.UTC().Format(time.DateOnly))
	default:
		line("read whole", "on %s", checked.UTC().Format(time.DateOnly))
	}
	return nil
}

// indexes describes what is kept of each index.
func indexes(a *app, st *vlogs.Store, db *state.DB, line func(what, format string, args ...any)) error {
	tallies, err := db.Tallies()
	if err != nil {
		return err
	}
	retained, err := db.Retained()
	if err != nil {
		return err
	}
	sizes, days := st.Bytes(), tallies.ByDay()
	type usage struct {
		events int64
		bytes  float64
	}
	used := map[string]usage{}
	for k, t := range tallies {
		u := used[k.Index]
		u.events += t.Events
		if all := days[k.Day].Events; all > 0 {
			u.bytes += float64(sizes[k.Day]) * float64(t.Events) / float64(all)
		}
		used[k.Index] = u
	}
	for _, index := range slices.Sorted(maps.Keys(used)) {
		keep, ok := a.cfg.Retention[index]
		if !ok {
			keep = a.cfg.Retention[config.AnyIndex]
		}
		kept := "kept forever"
		switch {
		case keep.Days > 0 && keep.MiB > 0:
			kept = fmt.Sprintf("kept for %s and up to %d MiB", count(keep.Days, "day"), keep.MiB)
		case keep.Days > 0:
			kept = fmt.Sprintf("kept for %s", count(keep.Days, "day"))
		case keep.MiB > 0:
			kept = fmt.Sprintf("kept up to %d MiB", keep.MiB)
		}
		if before := retained[index]; before > 0 {
			kept += fmt.Sprintf("; events before %s were removed", before)
		}
		line("index", "%s: %s, about %s; %s", index, count(int(used[index].events), "event"), humanize.IBytes(uint64(used[index].bytes)), kept)
	}
	dropped, err := db.Dropped()
	if err != nil {
		return err
	}
	for _, d := range dropped {
		line("dropped", "%s: %s since %s, the last on %s", d.Filter, count(int(d.Events), "record"), d.Since.UTC().Format("2006-01-02"), d.Last.UTC().Format("2006-01-02"))
	}
	return nil
}
