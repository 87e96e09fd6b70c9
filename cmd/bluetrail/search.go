package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"github.com/dustin/go-humanize"
)

type searchCmd struct {
	Search string `arg:"" help:"The search; @FILE reads it from a file, - from standard input."`
	source
	Output string `short:"o" help:"Output format: table, list (one field a line), json, csv, or raw (the records as they were)." enum:"table,list,json,csv,raw" default:"table"`
	Wide   bool   `help:"Do not cut values or drop columns to fit the terminal."`
}

func (*searchCmd) pages() bool { return true }

// maxSearch bounds the text of a search, in bytes.
const maxSearch = 16 << 20

// AfterApply reads the search where the user has it, which a server could not.
func (c *searchCmd) AfterApply() error {
	var err error
	c.Search, err = searchText(c.Search)
	return errors.Join(err, c.source.AfterApply())
}

// searchTextError says why the text of a search cannot be had.
type searchTextError struct{ error }

// searchText returns the search that an argument names.
func searchText(arg string) (string, error) {
	in := io.Reader(os.Stdin)
	switch {
	case strings.HasPrefix(arg, "@"):
		f, err := os.Open(arg[1:])
		if err != nil {
			return "", &searchTextError{fmt.Errorf("cannot read the search: %w", err)}
		}
		defer f.Close()
		in = f
	case arg != "-":
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSearch+1))
	switch {
	case err != nil:
		return "", &searchTextError{fmt.Errorf("cannot read the search: %w", err)}
	case len(text) > maxSearch:
		return "", &searchTextError{fmt.Errorf("the search in %q is longer than %d MiB", arg, maxSearch>>20)}
	case strings.TrimSpace(string(text)) == "":
		return "", &searchTextError{fmt.Errorf("there is no search in %q", arg)}
	}
	return strings.TrimSpace(string(text)), nil
}

func (c *searchCmd) Run(a *app) error {
	if p := strings.TrimSpace(c.Search); len(c.Files) == 0 && strings.ContainsAny(p, "/.") && exists(a.path(p)) {
		return usage("%q is a path; to search the files there: bluetrail search --files %[1]s '*'", p)
	}
	if c.Wide {
		a.outTerm.Width = 0
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	o.Text = c.Search
	if !c.DryRun {
		o.Sender = sender{&a.cfg}
	}
	if len(c.Files) > 0 {
		defer o.Store.Close()
		return a.search(o, c.Output)
	}
	into := &collector{data: a.path(a.dataDir(c.Data))}
	o.Collector = into
	err = errors.Join(a.search(o, c.Output), o.Store.Close())
	if err == nil {
		err = into.take(a)
	}
	return errors.Join(err, into.drop())
}

// search runs one search and writes its rows, its warnings and what was read.
func (a *app) search(o search.Options, format string) error {
	start := a.started
	a.started = time.Now() // for the next search of the same command
	stop := a.progress(o.Store)
	defer stop()
	defer a.limitMemory()()
	s, notices, err := search.Open(a.ctx, o)
	if err != nil {
		stop()
		a.notices(notices)
		return err
	}
	defer s.Close()
	out := bufio.NewWriterSize(a.out, 64<<10)
	w, err := result.New(out, a.resultOptions(format, s))
	if err != nil {
		return err
	}
	runErr := a.stream(s, w, stop)
	stop()
	notes, err := w.Close()
	if err == nil {
		err = out.Flush()
	}
	if runErr == nil {
		runErr = err
	}
	a.notices(s.Notices())
	if format == "table" || format == "list" {
		a.notices(s.Lacking())
	}
	a.summary(s, time.Since(start), runErr)
	for _, n := range notes {
		a.note("%s", n)
	}
	if word := commandAsTerm(o.Text); word != "" && s.Rows() == 0 && runErr == nil {
		a.note("%q was searched for as a word in the events; a command needs a pipe before it: | %[1]s", word)
	}
	return runErr
}

// limitMemory keeps garbage from taking as much again as a search holds; the
// function that it returns lifts the limit.
func (a *app) limitMemory() (lift func()) {
	return softLimit.allow(0, int64(a.cfg.Search.MemoryMiB)<<20)
}

// resultOptions says how the rows of a search are shown.
func (a *app) resultOptions(format string, s *search.Search) result.Options {
	return result.Options{Format: format, Width: a.outTerm.Width, Events: s.Events(), Zone: s.Zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour,
		Cancelled: func() error { return context.Cause(a.ctx) }}
}

// commandAsTerm returns the word that a search begins with when it is a
// command's name, and so was hardly meant to be searched for.
func commandAsTerm(text string) string {
	word, more, _ := strings.Cut(strings.TrimSpace(text), " ")
	if def := syntax.LookupCommand(word); def == nil || def.Name == "search" {
		return ""
	}
	if more = strings.TrimSpace(more); more == "" || strings.ContainsRune("=!<>", rune(more[0])) {
		return ""
	}
	return word
}

// notices prints what the user must know; only notes are silenced by --quiet.
func (a *app) notices(list []diag.Notice) {
	for _, n := range list {
		if n.Level == diag.Note {
			a.note("%s", n)
			continue
		}
		a.warn("%s", n)
	}
}

// stream writes the batches of s as they come.
func (a *app) stream(s *search.Search, w result.Writer, stop func()) error {
	return s.Each(a.ctx, func(b *vector.Batch) error {
		if b.Len == 0 && len(b.Cols) == 0 {
			return nil
		}
		stop() // the first rows end the progress line
		if err := w.Write(b); err != nil && context.Cause(a.ctx) != nil {
			return context.Cause(a.ctx)
		} else if err != nil {
			return fmt.Errorf("cannot write the result: %w", err)
		}
		return nil
	})
}

// summary says on stderr what the search did: rows, what was read, how fast.
func (a *app) summary(s *search.Search, took time.Duration, err error) {
	ended := ""
	if err != nil {
		ended = " before it ended"
		if context.Cause(a.ctx) != nil {
			ended = " before it was stopped"
		}
	}
	line := fmt.Sprintf("%s%s in %s", count(s.Rows(), "row"), ended, took.Round(time.Millisecond))
	if st, ok := s.Stats(); ok && (st.Files > 0 || len(st.Skipped) > 0) {
		line += fmt.Sprintf("; %s, %s, %s read", count(int(st.Files), "file"), humanize.IBytes(uint64(st.Bytes)), count(int(st.Events), "event"))
		if st.Duplicates > 0 {
			line += fmt.Sprintf(", %s dropped", count(int(st.Duplicates), "duplicate"))
		}
		if st.Untimed > 0 {
			line += fmt.Sprintf(", %s without a time use the modification time of their file", count(int(st.Untimed), "event"))
		}
		if st.Controls > 0 {
			line += fmt.Sprintf("; %s of CloudWatch Logs skipped", count(int(st.Controls), "control message"))
		}
		if st.LeftOut != "" {
			line += "; " + st.LeftOut
		}
	}
	a.noteSkipped(s)
	a.note("%s", line)
}

// noteSkipped makes the exit code say that some input could not be read.
func (a *app) noteSkipped(s *search.Search) {
	if st, ok := s.Stats(); ok && len(st.Skipped) > 0 {
		a.partly = true
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(int64(n)) + " " + what + "s"
}
