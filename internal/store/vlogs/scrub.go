package vlogs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/tally"
)

// scrubRate limits how fast a part is read, in bytes per second.
const scrubRate = 32 << 20

// pauseBounds limit the pause between two parts: a part may be large, and
// merges replace parts meanwhile.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Hour
)

// Scrub rereads the parts of an open store, one after the other, and compares
// their checksums with the manifest, until ctx ends. It reads each part once
// per period, at a time that depends on the part's position among all parts, so
// that restarts skip none. A damaged part is reported, and the next start
// checks the whole store and sets damaged days aside.
func (s *Store) Scrub(ctx context.Context, period time.Duration, report func(Damage)) error {
	last, round := "", time.Now()
	big := NewTurns(round, period)
	for {
		name, e, rest := s.partAt(time.Now(), period)
		if name != "" && name != last {
			damage, err := s.scrubPart(ctx, name, e)
			if err != nil {
				return err
			}
			if damage != nil {
				report(*damage)
				round = time.Now()
			}
			last = name
		}
		if err := s.scrubBig(ctx, big.Upto(time.Now()), report); err != nil {
			return err
		}
		if now := time.Now(); now.Sub(round) >= period { // every part has been read
			if err := s.noteChecked(now); err != nil {
				return err
			}
			round = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(max(rest, shortestPause), longestPause)):
		}
	}
}

// partAt returns the part that is due at a time, and how long its turn lasts.
func (s *Store) partAt(now time.Time, period time.Duration) (name string, e partEntry, rest time.Duration) {
	s.manifestMu.Lock()
	defer s.manifestMu.Unlock()
	var total int64
	for _, e := range s.manifest.parts {
		total += e.bytes
	}
	if total == 0 {
		return "", e, longestPause
	}
	phase := float64(now.UnixNano()%int64(period)) / float64(period)
	var at int64
	for _, name := range slices.Sorted(maps.Keys(s.manifest.parts)) {
		e := s.manifest.parts[name]
		at += e.bytes
		if end := float64(at) / float64(total); phase < end {
			return name, e, time.Duration((end-phase)*float64(period)) + time.Millisecond
		}
	}
	return "", e, shortestPause
}

// scrubPart checks one part. A part that is merged away meanwhile is skipped.
func (s *Store) scrubPart(ctx context.Context, name string, e partEntry) (*Damage, error) {
	partitions := filepath.Join(s.dir, engineDir, "partitions")
	sum, err := sumPart(filepath.Join(partitions, name), ScrubWait(ctx))
	if ctx.Err() != nil || err == nil && sum == e.sum {
		return nil, nil
	}
	day, rest, _ := strings.Cut(name, "/")
	kind, part, _ := strings.Cut(rest, "/")
	listed, lerr := listedParts(filepath.Join(partitions, day, kind))
	if errors.Is(lerr, fs.ErrNotExist) || lerr == nil && !slices.Contains(listed, part) {
		return nil, nil // the engine unlists parts before it deletes them
	}
	if err = errors.Join(err, lerr); err == nil {
		err = errors.New("its files differ from those that were written")
	}
	at, perr := time.Parse(dayLayout, day)
	if perr != nil {
		return nil, fmt.Errorf("the manifest has a bad day: %w", perr)
	}
	s.suspect.Store(true)
	if err := s.leaveMark(damageMark); err != nil {
		return nil, err
	}
	return &Damage{Day: tally.DayOf(at.UnixNano()), Rows: e.rows, Reason: fmt.Sprintf("part %s/%s: %v", kind, part, rootCause(err))}, nil
}
