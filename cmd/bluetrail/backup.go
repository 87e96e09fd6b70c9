package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"bluetrail/internal/backup"
	"bluetrail/internal/control"
	"bluetrail/internal/ingest"
	"bluetrail/internal/integrity"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"

	"github.com/dustin/go-humanize"
)

type backupCmd struct {
	Dir    control.Path `arg:"" help:"Folder of backups; each backup is a folder in it." placeholder:"DIR"`
	Data   string       `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Keep   int          `help:"Remove the oldest backups until N are left (default: keep all)." placeholder:"N"`
	Verify bool         `help:"Make no backup; compare all backups in DIR with their manifests."`
	At     string       `help:"With --verify: only this backup, such as 20260301T040000Z." placeholder:"NAME"`
}

func (c *backupCmd) home(a *app) string {
	if c.Verify {
		return "" // the data directory is not opened
	}
	return a.dataDir(c.Data)
}

// Run makes a backup, or verifies those that there are.
func (c *backupCmd) Run(a *app) error {
	dir := a.path(string(c.Dir))
	switch {
	case c.Verify && c.Keep != 0:
		return usage("--verify removes nothing; leave out --keep")
	case c.Verify:
		return c.verify(a, dir)
	case c.At != "":
		return usage("--at is for --verify")
	case c.Keep < 0:
		return usage("--keep must be at least 1, not %d", c.Keep)
	}
	data, err := filepath.Abs(a.path(a.dataDir(c.Data)))
	if err != nil {
		return err
	}
	if !isDir(data) {
		return usage("there is no data directory %q", data)
	}
	if full, err := filepath.Abs(dir); err != nil || within(data, full) {
		return errors.Join(err, usage("the folder of backups %q lies in the data directory; name one outside of it, on another disk if possible", dir))
	}
	return a.backup(data, dir, c.Keep)
}

func (a *app) backup(data, dir string, keep int) (err error) {
	start := time.Now()
	folder, err := backup.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	making, err := folder.Begin(data)
	if err != nil {
		return err
	}
	head, err := a.makeBackup(data, making)
	if err != nil {
		return errors.Join(err, making.Abort())
	}
	a.note("backup %s: %s, %s in %s (%s shared with the previous backup) in %s", filepath.Join(dir, head.Name), count(int(head.Events), "event"),
		humanize.IBytes(uint64(head.Bytes)), count(head.Files, "file"), humanize.IBytes(uint64(head.Linked)), time.Since(start).Round(10*time.Millisecond))
	if keep == 0 {
		return nil
	}
	removed, err := folder.Prune(keep)
	for _, name := range removed {
		a.note("removed the old backup %s", name)
	}
	return err
}

// makeBackup freezes the data directory, which a server may have open, and copies it.
func (a *app) makeBackup(data string, making *backup.Making) (head backup.Head, err error) {
	p := a.opened
	if p == nil {
		if err := a.removeLeftovers(data); err != nil {
			return head, err
		}
		var settled func() error
		if p, settled, err = a.openSettled(data); err != nil {
			return head, err
		}
		defer func() { err = errors.Join(err, p.Close(), settled()) }()
	}
	shot, err := p.Snapshot(a.ctx, making.StatePath())
	if err != nil {
		return head, err
	}
	defer func() { err = errors.Join(err, shot.Close()) }()
	alarms, err := p.State().Alarms()
	if err != nil {
		return head, err
	}
	a.alarms(alarms, data)
	var meter backup.Meter
	stop := a.meter(meter.Bytes, bytes)
	defer stop()
	return making.Finish(a.ctx, shot.Dir, backup.Head{
		Program: version, Data: data, State: state.Format(), Store: vlogs.Format(), Events: shot.Events, Batch: shot.Point.Batch, Losses: len(alarms),
	}, &meter)
}

// openSettled opens a data directory that no process has open. If the last ingest was
// interrupted, that settles what it left: rules see those events, and the returned function
// raises their alerts once the pipeline is closed.
func (a *app) openSettled(data string) (p *ingest.Pipeline, settled func() error, err error) {
	cfg := ingest.Config{Data: data, Retention: a.cfg.Retention}
	db, err := state.Open(data)
	if err != nil {
		return nil, nil, err
	}
	point, err := db.Checkpoint()
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, nil, err
	}
	settled = func() error { return nil }
	if point.Running {
		log := a.warnings()
		sink, rules, err := a.sink(data, log)
		if err != nil {
			return nil, nil, err
		}
		cfg.Sink, settled = sink, func() error { return a.alertFindings(data, rules, log) }
	}
	p, err = ingest.Open(a.ctx, cfg)
	return p, settled, err
}

// verify compares backups with their manifests.
func (c *backupCmd) verify(a *app, dir string) error {
	names, err := backup.Names(dir)
	if err != nil {
		return err
	}
	if c.At != "" || len(names) == 0 {
		path, err := backup.Find(dir, c.At)
		if err != nil {
			return usageError{err}
		}
		dir, names = filepath.Dir(path), []string{filepath.Base(path)}
	}
	var meter backup.Meter
	stop := a.meter(meter.Bytes, bytes)
	good, bad, err := backup.Verify(a.ctx, dir, names, &meter)
	stop()
	if err != nil {
		return err
	}
	for _, head := range good {
		fmt.Fprintf(a.out, "%s: good: %s, %s in %s\n", head.Name, count(int(head.Events), "event"), humanize.IBytes(uint64(head.Bytes)), count(head.Files, "file"))
	}
	const listed = 20
	for i, d := range bad {
		if i == listed {
			a.warn("%d more damaged files", len(bad)-listed)
			break
		}
		a.warn("%s", d)
	}
	if len(bad) > 0 {
		return fmt.Errorf("%s damaged; make a new backup into another folder", count(len(bad), "file"))
	}
	return nil
}

type restoreCmd struct {
	Dir  control.Path `arg:"" help:"Folder of backups, or one backup." placeholder:"DIR"`
	Data string       `required:"" help:"Data directory to restore into: new, or empty." placeholder:"NEW"`
	At   string       `help:"The backup to restore, such as 20260301T040000Z (default: the newest)." placeholder:"NAME"`
}

// Run restores a backup and compares what it holds with what was backed up.
func (c *restoreCmd) Run(a *app) error {
	start := time.Now()
	path, err := backup.Find(a.path(string(c.Dir)), c.At)
	if err != nil {
		return usageError{err}
	}
	head, err := backup.Describe(path)
	if err != nil {
		return err
	}
	if head.State > state.Format() || head.State < state.Oldest() || head.Store != vlogs.Format() {
		return fmt.Errorf("the backup %q was made by version %s (state format %d, event format %s); this version reads state formats %d to %d and event format %s; restore it with that version",
			path, head.Program, head.State, head.Store, state.Oldest(), state.Format(), vlogs.Format())
	}
	data := a.path(c.Data)
	var meter backup.Meter
	stop := a.meter(meter.Bytes, bytes)
	err = backup.Restore(a.ctx, path, data, &meter)
	stop()
	if err != nil {
		return err
	}
	counted, err := a.countRestored(data, head)
	if err != nil {
		return fmt.Errorf("the restored data directory %q is not what was backed up: %w", data, err)
	}
	a.note("restored %s of %s into %s: %s in %s", head.Name, head.Data, data, counted, time.Since(start).Round(10*time.Millisecond))
	return nil
}

// countRestored opens a restored data directory, which compares the stored events with
// the state, and says what it holds.
func (a *app) countRestored(data string, head backup.Head) (text string, err error) {
	st, alarms, err := integrity.Open(a.ctx, data, vlogs.Options{ReadOnly: true})
	if err != nil && !(errors.Is(err, integrity.ErrNoEvents) && head.Events == 0) {
		return "", err
	}
	events := int64(0)
	if st != nil {
		events = int64(st.Info().Events)
		if err := st.Close(); err != nil {
			return "", err
		}
	}
	if events != head.Events || len(alarms) != head.Losses {
		return "", fmt.Errorf("it has %d events instead of %d, and %d damaged days instead of %d", events, head.Events, len(alarms), head.Losses)
	}
	a.alarms(alarms, data)
	db, err := state.Open(data)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	findings, err1 := db.CountFindings()
	alerts, err2 := db.CountAlerts()
	users, err3 := db.Users()
	return fmt.Sprintf("%s, %s, %s, %s", count(int(events), "event"), count(int(findings), "finding"), count(int(alerts), "alert"), count(len(users), "user")), errors.Join(err1, err2, err3)
}
