package inventory

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/leftover"
)

// Cache keeps what AWS answered last in a folder, so that a restart need not ask again
// and an answer outlives a failure.
type Cache struct {
	Dir    string
	Client *Client
}

// Status is how the answers of a target are.
type Status struct {
	Target  string    `json:"target"`
	At      time.Time `json:"at"`    // of the last answer, zero = none
	Tried   time.Time `json:"tried"` // of the last try
	Problem string    `json:"problem,omitempty"`
	Pages   int       `json:"pages"`
}

// Fresh reports whether the last try is younger than a time, and went well.
func (s *Status) Fresh(now time.Time, every time.Duration) bool {
	return s.Problem == "" && now.Sub(s.Tried) < every
}

func (c *Cache) files(t *Target) (pages, status string) {
	sum := sha256.Sum256([]byte(t.Region + "\x00" + t.Role + "\x00" + t.Aggregator + "\x00" + t.Endpoint))
	name := hex.EncodeToString(sum[:8])
	return name + ".ndjson", name + ".json"
}

// Status returns how the answers of a target are; none were asked for if it is zero.
func (c *Cache) Status(t Target) (s Status, err error) {
	_, name := c.files(&t)
	text, err := os.ReadFile(filepath.Join(c.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
}

// Refresh asks AWS and keeps the answers. What fails leaves the last ones as they are; a
// part that was not permitted leaves only that part out.
func (c *Cache) Refresh(ctx context.Context, t Target) (Status, error) {
	pages, name := c.files(&t)
	s, err := c.Status(t)
	if err != nil {
		s = Status{} // damaged
	}
	s.Target, s.Tried, s.Problem = t.String(), time.Now().UTC(), ""
	n := 0
	var failed error
	none := errors.New("there was no answer")
	err = leftover.Replace(c.Dir, pages, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 64<<10)
		e := json.NewEncoder(b)
		failed = c.Client.Pages(ctx, t, func(p Page) error {
			n++
			return e.Encode(p)
		})
		if n == 0 && failed != nil || ctx.Err() != nil {
			return none
		}
		return b.Flush()
	})
	switch {
	case ctx.Err() != nil:
		return s, ctx.Err()
	case errors.Is(err, none):
		s.Problem = failed.Error()
	case err != nil:
		return s, fmt.Errorf("cannot keep what AWS answered: %w", err)
	default:
		s.At, s.Pages = s.Tried, n
		if failed != nil {
			s.Problem = failed.Error()
		}
	}
	text, err := json.Marshal(&s)
	if err == nil {
		err = leftover.ReplaceWith(c.Dir, name, text)
	}
	return s, err
}

// Each passes on the last answers of a target.
func (c *Cache) Each(t Target, add func(Page) error) error {
	pages, _ := c.files(&t)
	f, err := os.Open(filepath.Join(c.Dir, pages))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, 64<<10))
	for {
		var p Page
		switch err := d.Decode(&p); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("cannot read %q: %w", f.Name(), err)
		}
		if err := add(p); err != nil {
			return err
		}
	}
}
