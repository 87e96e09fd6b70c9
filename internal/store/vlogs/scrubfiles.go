package vlogs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Turns tells whose turn it is to be read again, once in a period. The time of a
// name's turn follows from its hash, so that restarts leave out few.
type Turns struct {
	period time.Duration
	last   float64 // up to where turns were given, as a part of the period
}

// NewTurns begins to give turns.
func NewTurns(now time.Time, period time.Duration) *Turns {
	return &Turns{period: period, last: phase(now, period)}
}

func phase(at time.Time, period time.Duration) float64 {
	return float64(at.UnixNano()%int64(period)) / float64(period)
}

// Upto returns which names had their turn since the last call.
func (t *Turns) Upto(now time.Time) func(name string) bool {
	from, to := t.last, phase(now, t.period)
	t.last = to
	return func(name string) bool {
		at := float64(xxhash.Sum64String(name)>>11) / (1 << 53)
		if from <= to {
			return from <= at && at < to
		}
		return at >= from || at < to
	}
}

// ScrubWait slows reading down for a scrub.
func ScrubWait(ctx context.Context) func(n int) error {
	return func(n int) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * time.Second / scrubRate):
			return nil
		}
	}
}

// bigNames is how many names of large records are read at a time.
const bigNames = 512

// scrubBig reads the large records whose turn it is, in pieces. It is not known
// which day a damaged one belongs to.
func (s *Store) scrubBig(ctx context.Context, turn func(name string) bool, report func(Damage)) error {
	dir, err := os.Open(filepath.Join(s.dir, bigDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot check large records: %w", err)
	}
	defer dir.Close()
	buf := make([]byte, 64<<10)
	for {
		names, err := dir.Readdirnames(bigNames)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot check large records: %w", err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") || !turn(name) {
				continue
			}
			err := s.checkBig(ctx, name, buf)
			if ctx.Err() != nil {
				return nil
			}
			if err == nil || errors.Is(err, fs.ErrNotExist) { // retention removed it
				continue
			}
			s.suspect.Store(true)
			if err := s.leaveMark(damageMark); err != nil {
				return err
			}
			report(Damage{Reason: fmt.Sprintf("large record %s: %v", name, rootCause(err))})
		}
	}
}

// checkBig compares a large record with the checksum in its name.
func (s *Store) checkBig(ctx context.Context, name string, buf []byte) error {
	want, err := bigSum(name)
	if err != nil {
		return err
	}
	sum, _, err := sumFile(filepath.Join(s.dir, bigDir, name), buf, ScrubWait(ctx))
	if err == nil && sum != want {
		err = errors.New("its content is not what was written")
	}
	return err
}
