package main

import (
	"fmt"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
)

// sources describes the sources of a server.
func (c *doctorCmd) sources(a *app, db *state.DB, line func(what, format string, args ...any)) error {
	for i := range a.cfg.Sources {
		src := &a.cfg.Sources[i]
		if src.KindOf() == config.KindDir {
			c.folder(a, src, line)
			continue
		}
		newest, err := a.newestOf(db, src)
		if err != nil {
			return err
		}
		text := "nothing has come yet"
		if !newest.IsZero() {
			text = "the newest input dates from " + clockOf(newest)
		}
		if why := a.shares.problems.get(src.Label()); why != "" {
			text += "; it cannot be read: " + why
		}
		line("source", "%s: %s", src.Label(), text)
	}
	letters, total, err := db.DeadLetters("", c.Problems)
	if err != nil {
		return err
	}
	for i := range letters {
		l := &letters[i]
		line("dead letter", "%d of %s, %s, tried %s: %s", l.ID, l.Source, clockOf(time.UnixMilli(l.Last)), tries(l.Received), l.Reason)
	}
	if more := total - len(letters); more > 0 {
		line("dead letter", "%s; list them with: bluetrail dead-letters list", count(more, "more message"))
	}
	return nil
}

func tries(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// folder lists what is not read of a folder that a server watches.
func (c *doctorCmd) folder(a *app, src *config.Source, line func(what, format string, args ...any)) {
	found, err := file.List([]string{a.path(src.Dir)})
	if err != nil {
		line("source", "%s: %v", src.Dir, err)
		return
	}
	text := count(len(found.Files), "file")
	line("source", "%s: %s, %d left out, %s", src.Dir, text, found.LeftOut.Count, count(len(found.Skipped), "unreadable path"))
	for i, name := range found.LeftOut.Names {
		if i == c.Problems {
			break
		}
		line("left out", "%s: it does not look like events", name)
	}
	if more := found.LeftOut.Count - min(len(found.LeftOut.Names), c.Problems); more > 0 && found.LeftOut.Count > 0 {
		line("left out", "%s", count(more, "more file"))
	}
	for i, s := range found.Skipped {
		if i == c.Problems {
			line("not readable", "%s", count(len(found.Skipped)-i, "more path"))
			break
		}
		line("not readable", "%s: %s", s.Object, s.Text)
	}
}
