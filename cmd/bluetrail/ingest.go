package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"bluetrail/internal/control"
	"bluetrail/internal/detect/door"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/diag"
	"bluetrail/internal/idset"
	"bluetrail/internal/ingest"

	"github.com/dustin/go-humanize"
)

type ingestCmd struct {
	Paths      []control.Path `arg:"" help:"Files, folders or globs; or one s3://BUCKET/PREFIX." placeholder:"PATH"`
	Data       string         `help:"Data directory (default: from the configuration); created if missing." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Index      string         `help:"Index for the events." default:"aws" placeholder:"NAME"`
	Sourcetype string         `help:"Sourcetype (default: detected from each record)." placeholder:"NAME"`
	fromBucket
}

func (c *ingestCmd) Run(a *app) error {
	if strings.HasPrefix(c.Index, "_") {
		return usage("--index %q: names that begin with _ are bluetrail's own", c.Index)
	}
	var paths []string
	for _, path := range c.Paths {
		if err := a.notData(string(path)); err != nil {
			return fmt.Errorf("%w for where events go, and name the files to ingest", err)
		}
		paths = append(paths, string(path))
	}
	o := ingest.Options{Data: a.dataDir(c.Data), Paths: paths, Index: c.Index, Sourcetype: c.Sourcetype}
	if err := c.fromBucket.options(a, &o); err != nil {
		return err
	}
	return a.ingest(o)
}

// takeIn takes files into the data directory, in a server into the one that it
// has open.
func (a *app) takeIn(o ingest.Options) (ingest.Summary, error) {
	if a.opened != nil {
		o.Dir = a.dir
		return a.opened.Files(a.ctx, o)
	}
	defer tuneMemory(ingestMemory)()
	log := a.warnings()
	var rules *ruleset.Follower
	var err error
	if o.Sink, rules, err = a.sink(o.Data, log); err != nil {
		return ingest.Summary{}, err
	}
	sum, err := ingest.Run(a.ctx, o)
	switch {
	case err == nil:
		err = a.alertFindings(o.Data, rules, log)
	case a.ctx.Err() != nil:
		a.alertStopped(o.Data, rules, log)
	}
	return sum, err
}

// tellStop says at once that the command was interrupted and what it still does, until
// the returned function is called. A server has nothing to say: its client is gone.
func (a *app) tellStop() (done func()) {
	if a.opened != nil {
		return func() {}
	}
	told := make(chan struct{})
	stop := context.AfterFunc(a.ctx, func() {
		defer close(told)
		a.note("stopping: finishing the current batch; press Ctrl-C again to end at once")
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}

// renewed says which known ids were made anew.
func (a *app) renewed(list []idset.Damage) {
	for i, d := range list {
		if i == 10 {
			a.warn("so were the known ids of %s", count(len(list)-i, "more day"))
			break
		}
		a.warn("known ids were damaged and made anew from the stored events: %s", d)
	}
}

// ingest takes files in and says what came of it.
func (a *app) ingest(o ingest.Options) error {
	start := time.Now()
	if err := a.removeLeftovers(o.Data); err != nil {
		return err
	}
	var p ingest.Meter
	o.Progress, o.Retention = &p, a.cfg.Retention
	filters, err := door.Load(a.cfg.Drop, a.path)
	if err != nil {
		return usageError{err}
	}
	o.Door = filters
	stop := a.meter(p.Bytes, bytes)
	told := a.tellStop()
	sum, err := a.takeIn(o)
	told()
	stop()
	a.skipped(sum.Skipped, sum.SkippedTotal)
	a.renewed(sum.Renewed)
	a.alarms(sum.Alarms, o.Data)
	for _, r := range sum.Removed {
		a.note("retention removed %s of index %s, from before %s", count(int(r.Events), "event"), r.Index, r.Before)
	}
	took := time.Since(start)
	line := fmt.Sprintf("%s ingested from %s (%s) in %s", count(sum.Events, "event"), count(sum.Files, "file"), humanize.IBytes(uint64(max(0, sum.Bytes))), took.Round(10*time.Millisecond))
	if s := took.Seconds(); sum.Events > 0 && s > 0 {
		line += fmt.Sprintf(", %s per second", humanize.Comma(int64(float64(sum.Events)/s)))
	}
	for _, n := range []struct {
		n          int
		what, rest string
	}{{sum.Duplicates, "duplicate", " dropped"}, {sum.Untimed, "event", " without a time stored with the modification time of their file"}, {sum.Expired, "event", " older than the retention not ingested"}, {sum.Dropped, "record", " dropped by filters"}, {sum.Digests, "digest file", " skipped"}, {sum.FilesDone, "file", " already ingested"}, {sum.SkippedTotal, "problem", ""}} {
		if n.n > 0 {
			line += "; " + count(n.n, n.what) + n.rest
		}
	}
	if sum.Controls > 0 {
		line += fmt.Sprintf("; %s of CloudWatch Logs skipped", count(sum.Controls, "control message"))
	}
	if sum.LeftOut.Count > 0 {
		line += "; " + sum.LeftOut.String()
	}
	if err != nil && a.ctx.Err() != nil {
		fmt.Fprintln(a.err, diag.Printable(line))
		a.noteRaised(o.Data)
		return errors.New("stopped; events ingested so far are kept, and the same command continues from there")
	}
	if err != nil {
		return err
	}
	a.note("%s", line)
	a.noteRaised(o.Data)
	if err := a.deliver(o.Data); err != nil {
		return err
	}
	switch {
	case sum.Stored == 0:
		a.note("the data directory %q holds no events yet", o.Data)
	case sum.Before == 0:
		a.note("next: bluetrail search --data %s '* | stats count by eventName | sort - count'", shellWord(o.Data))
	case sum.Before == sum.Stored:
		a.note("the data directory holds %s, as before", count(int(sum.Stored), "event"))
	default:
		a.note("the data directory now holds %s, %s before", count(int(sum.Stored), "event"), humanize.Comma(sum.Before))
	}
	return nil
}

// noteRaised says how many alerts were raised.
func (a *app) noteRaised(data string) {
	if a.raised > 0 {
		a.note("%s raised; list them with: bluetrail alerts --data %s", count(a.raised, "alert"), shellWord(data))
	}
}

// shellWord writes an argument as a shell takes it.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./:=@,+", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// skipped reports the problems of an ingest, of which list has the first ones.
func (a *app) skipped(list []diag.Notice, total int) {
	for _, s := range list {
		a.warn("%s", s)
	}
	if more := total - len(list); more > 0 {
		a.warn("%d more similar problems; bluetrail doctor lists all of them", more)
	}
	a.partly = a.partly || total > 0
}
