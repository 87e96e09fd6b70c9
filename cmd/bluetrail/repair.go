package main

import (
	"fmt"

	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/detect/door"
	"bluetrail/internal/ingest"
	"bluetrail/internal/store/vlogs"
)

type repairCmd struct {
	Data     string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	awsFlags `embed:"" group:"S3"`
}

// Run takes the files of damaged days in again and says what could not be had.
func (c *repairCmd) Run(a *app) error {
	dir := a.dataDir(c.Data)
	if a.opened != nil {
		return fmt.Errorf("a server has the data directory %q open; stop it before the repair", dir)
	}
	if !isDir(dir) {
		return usage("there is no data directory %q", dir)
	}
	log := a.warnings()
	sink, rules, err := a.sink(dir, log)
	if err != nil {
		return err
	}
	filters, err := door.Load(a.cfg.Drop, a.path)
	if err != nil {
		return usageError{err}
	}
	var p ingest.Meter
	stop := a.meter(p.Bytes, bytes)
	rep, err := ingest.Repair(a.ctx, ingest.Options{Data: dir, Progress: &p, Retention: a.cfg.Retention, Door: filters, Sink: sink, Objects: c.objects(a)})
	stop()
	if err != nil {
		return fmt.Errorf("the repair did not finish; run it again: %w", err)
	}
	if err := a.alertFindings(dir, rules, log); err != nil {
		return err
	}
	if rep.State != "" {
		a.warn("the state was damaged and was moved to %s; files that are ingested again are read again", rep.State)
	}
	a.renewed(rep.IDs)
	if len(rep.Days) == 0 {
		if rep.State == "" && len(rep.IDs) == 0 {
			a.note("nothing to repair")
		}
		return nil
	}
	a.skipped(rep.Skipped, rep.SkippedTotal)
	for i, path := range rep.Gone {
		if i == 20 {
			a.warn("%d more files or objects no longer exist", len(rep.Gone)-i)
			break
		}
		what := "file"
		if bucket.Is(path) {
			what = "object"
		}
		a.warn("%s: the %s no longer exists", path, what)
	}
	for _, d := range rep.Days {
		name := vlogs.DayName(d.Day)
		if d.Lost == 0 {
			a.note("%s: recounted", name)
			continue
		}
		a.note("%s: recovered %d of %d missing events", name, d.Lost-d.Missing(), d.Lost)
		if n := d.Missing(); n > 0 {
			a.partly = true
			a.warn("%s: %d events could not be recovered", name, n)
		}
	}
	a.note("%s read again", count(rep.Files, "file"))
	return nil
}
