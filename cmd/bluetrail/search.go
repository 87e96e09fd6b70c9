package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/result"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"

	"github.com/dustin/go-humanize"
)

type searchCmd struct {
	Search string `arg:"" help:"The search."`
	source
	Output string `short:"o" help:"Output format: table, json or csv." enum:"table,json,csv" default:"table"`
}

func (c *searchCmd) Run(a *app) error {
	st, env, err := c.open(a)
	if err != nil {
		return err
	}
	if len(c.Files) > 0 {
		defer st.Close()
		return a.search(c.Search, st, env, c.Output)
	}
	into := &collector{data: a.dataDir(c.Data)}
	env.Collector = into
	err = errors.Join(a.search(c.Search, st, env, c.Output), st.Close())
	if err == nil {
		err = into.take(a)
	}
	return errors.Join(err, into.drop())
}

// search runs one search and writes its rows, its warnings and what was read.
func (a *app) search(text string, st store.Store, env *spl.Env, format string) error {
	start := time.Now()
	defer a.problems(env)
	q, err := plan.Parse(text, env.Macros)
	if err != nil {
		return err
	}
	stop := a.progress(st)
	defer stop()
	s, err := plan.Open(a.ctx, q, st, env)
	if err != nil {
		return err
	}
	width, tty := terminal(a.out)
	out := bufio.NewWriterSize(a.out, 64<<10)
	w, err := result.New(out, result.Options{Format: format, Width: width, Events: s.Events(), Zone: env.Zone, Color: tty})
	if err != nil {
		return err
	}
	rows, runErr := a.stream(s, w, out, stop)
	stop()
	notes, err := w.Close()
	if err == nil {
		err = out.Flush()
	}
	if runErr == nil {
		runErr = err
	}
	for _, text := range env.Warnings() {
		a.warn("%s", text)
	}
	a.summary(st, rows, time.Since(start), runErr)
	for _, n := range notes {
		a.note("%s", n)
	}
	if word := commandAsTerm(text); word != "" && rows == 0 && runErr == nil {
		a.note("%q was looked for as a word of the events; a command stands behind a pipe: | %[1]s", word)
	}
	return runErr
}

// commandAsTerm returns the word that a search begins with when it is a
// command's name, and so was hardly meant to be searched for.
func commandAsTerm(text string) string {
	word, more, _ := strings.Cut(strings.TrimSpace(text), " ")
	if def := spl.LookupCommand(word); def == nil || def.Name == "search" {
		return ""
	}
	if more = strings.TrimSpace(more); more == "" || strings.ContainsRune("=!<>", rune(more[0])) {
		return ""
	}
	return word
}

// problems says which macros and lookups could not be read, of those that the
// search had looked at.
func (a *app) problems(env *spl.Env) {
	if k, ok := env.Tables.(*knowledge.Knowledge); ok {
		for _, err := range k.Problems() {
			a.warn("%v", err)
		}
	}
}

// stream writes the batches of s as they come.
func (a *app) stream(s *plan.Search, w result.Writer, out *bufio.Writer, stop func()) (rows int, err error) {
	defer s.Close()
	for {
		b, err := s.Next(a.ctx)
		if err == io.EOF {
			return rows, s.Over()
		}
		if err != nil {
			return rows, err
		}
		if b == nil || b.Len == 0 && len(b.Cols) == 0 {
			continue
		}
		stop() // the first rows end the progress line
		rows += b.Len
		if err := w.Write(b); err != nil {
			return rows, fmt.Errorf("cannot write the result: %w", err)
		}
	}
}

// summary says on stderr what the search did: rows, what was read, how fast,
// and everything that was skipped.
func (a *app) summary(st store.Store, rows int, took time.Duration, err error) {
	ended := ""
	if err != nil {
		ended = " before it ended"
		if context.Cause(a.ctx) != nil {
			ended = " before it was stopped"
		}
	}
	line := fmt.Sprintf("%s%s in %s", count(rows, "row"), ended, took.Round(time.Millisecond))
	if c, ok := st.(store.Counting); ok {
		s := c.Stats()
		if s.Files > 0 {
			line += fmt.Sprintf("; %s, %s, %s read", count(int(s.Files), "file"), humanize.IBytes(uint64(s.Bytes)), count(int(s.Events), "event"))
			if s.Duplicates > 0 {
				line += fmt.Sprintf(", %s dropped", count(int(s.Duplicates), "duplicate"))
			}
		}
		a.skipped(s)
	}
	a.note("%s", line)
}

// skipped lists what could not be read.
func (a *app) skipped(s store.Stats) {
	for _, sk := range s.Skipped {
		a.warn("%s: %s", sk.Name, sk.Reason)
	}
	if s.SkippedMore > 0 {
		a.warn("%d more problems like these", s.SkippedMore)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(int64(n)) + " " + what + "s"
}
