package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/store"

	"github.com/dustin/go-humanize"
)

// meter draws one line of progress on a terminal: share, rate and time left.
type meter struct {
	a     *app
	width int
	start time.Time
	line  func(took time.Duration) string
	quit  chan struct{}
	gone  sync.WaitGroup
	once  sync.Once
}

// meterDelay is how long work may take before a progress line appears.
const meterDelay = 700 * time.Millisecond

// meter starts a progress line if stderr is a terminal; the returned function
// removes it and may be called more than once.
func (a *app) meter(read func() (done, total int64), unit func(int64) string) (stop func()) {
	return a.line(func(took time.Duration) string { return rated(read, unit, took) })
}

// waiting is meter for work whose size is not known.
func (a *app) waiting(what string) (stop func()) {
	return a.line(func(took time.Duration) string { return fmt.Sprintf("%s, %s", what, took.Round(time.Second)) })
}

// line shows a line that changes with the time, as meter does.
func (a *app) line(text func(took time.Duration) string) (stop func()) {
	if !a.errTerm.TTY || a.quiet {
		return func() {}
	}
	m := &meter{a: a, width: a.errTerm.Width, start: time.Now(), line: text, quit: make(chan struct{})}
	m.gone.Add(1)
	go m.run()
	return func() {
		m.once.Do(func() { close(m.quit) })
		m.gone.Wait()
	}
}

func (m *meter) run() {
	defer m.gone.Done()
	wait, drawn := meterDelay, false
	for {
		select {
		case <-m.quit:
			if drawn {
				fmt.Fprintf(m.a.err, "\r%s\r", strings.Repeat(" ", m.width-1))
			}
			return
		case <-time.After(wait):
			wait, drawn = 200*time.Millisecond, true
			line := m.line(time.Since(m.start))
			if len(line) > m.width-1 {
				line = line[:m.width-1]
			}
			fmt.Fprintf(m.a.err, "\r%-*s", m.width-1, line)
		}
	}
}

// rated says how much of some work is done, how fast, and how long the rest takes.
func rated(read func() (done, total int64), unit func(int64) string, took time.Duration) string {
	done, total := read()
	rate := float64(done) / took.Seconds()
	if total <= 0 || done <= 0 {
		return fmt.Sprintf("%s, %s/s", unit(done), unit(int64(rate)))
	}
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("%3d%%  %s of %s, %s/s, %s left", min(100, done*100/total), unit(done), unit(total), unit(int64(rate)), max(0, left))
}

// progress shows how far a scan of files is.
func (a *app) progress(st store.Store) (stop func()) {
	p, ok := st.(interface{ Progress() (done, total int64) })
	if !ok {
		return func() {}
	}
	return a.meter(p.Progress, bytes)
}

func bytes(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

func events(n int64) string { return humanize.Comma(n) + " events" }
