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

// Turns decides which names are due to be read again, once per period. A name's
// turn follows from its hash, so that restarts skip few.
type Turns struct {
	period time.Duration
	last   float64 // turns up to here were given, as a fraction of the period
}

// NewTurns starts giving turns.
func NewTurns(now time.Time, period time.Duration) *Turns {
	return &Turns{period: period, last: phase(now, period)}
}

func phase(at time.Time, period time.Duration) float64 {
	return float64(at.UnixNano()%int64(period)) / float64(period)
}

// Upto returns the names whose turn came since the last call.
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

// ScrubWait throttles reading for a scrub.
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

// bigNames is how many names of large records are listed at a time.
const bigNames = 512

// scrubBig reads the large records that are due, in pieces. The day of a
// damaged one is not known.
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
