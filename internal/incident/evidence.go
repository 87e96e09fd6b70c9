package incident

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/vector"
)

// The files of an evidence set.
const (
	EventsFile    = "events.ndjson"         // records of one line, one a line
	MultilineFile = "events-multiline.json" // records that contain line breaks, one after another
	ManifestFile  = "manifest.json"
	SumsFile      = "SHA256SUMS"
)

// Bounds on a manifest. What is over them is counted.
const (
	maxSources = 100_000
	maxGaps    = 10_000
	maxPlaces  = 10_000 // accounts × regions
)

// Manifest describes an evidence set.
type Manifest struct {
	Version    string        `json:"bluetrail_version"`
	Search     string        `json:"search"`
	Earliest   string        `json:"earliest,omitempty"`
	Latest     string        `json:"latest,omitempty"`
	Clock      time.Time     `json:"clock"` // when the export ran
	From       []string      `json:"from"`  // the paths or the data directory
	Records    int64         `json:"records"`
	Multiline  int64         `json:"records_with_line_breaks"`
	First      time.Time     `json:"first_record,omitzero"`
	Last       time.Time     `json:"last_record,omitzero"`
	Sources    []*SourceFile `json:"sources"`
	MoreSource int64         `json:"records_of_unlisted_sources,omitempty"`
	Coverage   []*Coverage   `json:"coverage"` // of all events in the time range
	MoreGaps   int           `json:"unlisted_gaps,omitempty"`
	MorePlaces int64         `json:"events_of_unlisted_places,omitempty"`
	Placeless  int64         `json:"events_without_account_and_region,omitempty"` // such as JSON that is not CloudTrail's
	Unread     []string      `json:"unread"`
	Notices    []string      `json:"notices,omitempty"`
	known      map[string]*SourceFile
}

// SourceFile is a file that records came from.
type SourceFile struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	SHA256  string `json:"sha256,omitempty"`
	Problem string `json:"problem,omitempty"` // why there is no hash
}

// Coverage is when events of one account and region exist.
type Coverage struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Events  int64     `json:"events"`
	First   time.Time `json:"first_hour"`
	Last    time.Time `json:"last_hour"`
	Gaps    []Gap     `json:"gaps"` // hours without events between first and last
	hours   []time.Time
}

// Gap is a run of whole hours without events; To is exclusive.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// CoverageSearch counts the events of the time range by place and hour.
const CoverageSearch = `index=* | bin _time span=1h | fillnull value="" recipientAccountId awsRegion | stats count by recipientAccountId awsRegion _time`

// Evidence writes an evidence set. It appears in its directory only when it is
// complete.
type Evidence struct {
	Manifest Manifest

	dir, partial string
	files        map[string]*evidenceFile
	places       map[string]*Coverage
}

type evidenceFile struct {
	f   *os.File
	w   *bufio.Writer
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
}

// NewEvidence begins a set in dir, which must not exist, or be empty.
func NewEvidence(dir string) (*Evidence, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return nil, fmt.Errorf("directory %q is not empty; evidence is never overwritten: choose another", dir)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("cannot use directory %q: %w", dir, err)
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make directory %q: %w", filepath.Dir(dir), err)
	}
	partial, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".incomplete-*") // 0700
	if err != nil {
		return nil, fmt.Errorf("cannot make a directory beside %q: %w", dir, err)
	}
	return &Evidence{dir: dir, partial: partial, files: map[string]*evidenceFile{}, places: map[string]*Coverage{}, Manifest: Manifest{known: map[string]*SourceFile{}, Unread: []string{}}}, nil
}

// Drop removes a set that is not complete.
func (e *Evidence) Drop() error {
	for _, f := range e.files {
		f.f.Close()
	}
	return os.RemoveAll(e.partial)
}

func (e *Evidence) file(name string) (*evidenceFile, error) {
	if f := e.files[name]; f != nil {
		return f, nil
	}
	f, err := os.OpenFile(filepath.Join(e.partial, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	x := &evidenceFile{f: f, sum: sha256.New()}
	x.w = bufio.NewWriterSize(io.MultiWriter(f, x.sum), 256<<10)
	e.files[name] = x
	return x, nil
}

// Add writes the records of a batch.
func (e *Evidence) Add(b *vector.Batch) error {
	r := rowsOf(b)
	for r.i = range b.Len {
		raw := r.get("_raw")
		if raw == "" {
			return errors.New("the search yields rows without _raw; export takes a search for events")
		}
		m := &e.Manifest
		name := EventsFile
		if strings.ContainsAny(raw, "\r\n") {
			name = MultilineFile
			m.Multiline++
		}
		f, err := e.file(name)
		if err == nil {
			f.w.WriteString(raw)
			err = f.w.WriteByte('\n')
		}
		if err != nil {
			return fmt.Errorf("cannot write evidence: %w", err)
		}
		m.Records++
		if at := r.time(); !at.IsZero() {
			if m.First.IsZero() || at.Before(m.First) {
				m.First = at
			}
			if at.After(m.Last) {
				m.Last = at
			}
		}
		source := r.get("source")
		s := m.known[source]
		if s == nil {
			if len(m.known) >= maxSources {
				m.MoreSource++
				continue
			}
			source = strings.Clone(source)
			s = &SourceFile{Name: source}
			m.known[source] = s
		}
		s.Records++
	}
	return nil
}

// Cover takes the rows of CoverageSearch.
func (e *Evidence) Cover(b *vector.Batch) error {
	r := rowsOf(b)
	for r.i = range b.Len {
		n := int64(1)
		if c := r.cols["count"]; c != nil {
			if f, ok := c.Num(r.i); ok {
				n = int64(f)
			}
		}
		account, region := strings.Clone(r.get("recipientAccountId")), strings.Clone(r.get("awsRegion"))
		if account == "" && region == "" {
			e.Manifest.Placeless += n
			continue
		}
		c := e.places[account+"\x00"+region]
		if c == nil {
			if len(e.places) >= maxPlaces {
				e.Manifest.MorePlaces += n
				continue
			}
			c = &Coverage{Account: account, Region: region, Gaps: []Gap{}}
			e.places[account+"\x00"+region] = c
		}
		c.Events += n
		c.hours = append(c.hours, r.time().Truncate(time.Hour))
	}
	return nil
}

func (e *Evidence) coverage() {
	m := &e.Manifest
	gaps := 0
	for _, c := range e.places {
		slices.SortFunc(c.hours, time.Time.Compare)
		c.First, c.Last = c.hours[0], c.hours[len(c.hours)-1]
		for i := 1; i < len(c.hours); i++ {
			from, to := c.hours[i-1].Add(time.Hour), c.hours[i]
			if !from.Before(to) {
				continue
			}
			if gaps++; gaps > maxGaps {
				m.MoreGaps++
				continue
			}
			c.Gaps = append(c.Gaps, Gap{from, to})
		}
		m.Coverage = append(m.Coverage, c)
	}
	slices.SortFunc(m.Coverage, func(a, b *Coverage) int { return strings.Compare(a.Account+"\x00"+a.Region, b.Account+"\x00"+b.Region) })
}

// Finish hashes the sources, writes the manifest and the sums, and puts the set
// in its place.
func (e *Evidence) Finish(hash func(source string) (string, error)) error {
	m := &e.Manifest
	m.Sources, m.Coverage = []*SourceFile{}, []*Coverage{}
	for _, s := range m.known {
		sum, err := hash(s.Name)
		if s.SHA256 = sum; err != nil {
			s.Problem = err.Error()
		}
		m.Sources = append(m.Sources, s)
	}
	slices.SortFunc(m.Sources, func(a, b *SourceFile) int { return strings.Compare(a.Name, b.Name) })
	e.coverage()
	if _, err := e.file(EventsFile); err != nil { // also when no record matched
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	var text bytes.Buffer
	j := json.NewEncoder(&text)
	j.SetIndent("", "  ")
	if err := j.Encode(m); err != nil {
		return err
	}
	f, err := e.file(ManifestFile)
	if err == nil {
		_, err = f.w.Write(text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	var sums []string
	for name, f := range e.files {
		if err := f.close(); err != nil {
			return fmt.Errorf("cannot write evidence: %w", err)
		}
		sums = append(sums, hex.EncodeToString(f.sum.Sum(nil))+"  "+name+"\n")
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	if f, err = e.file(SumsFile); err == nil {
		f.w.WriteString(strings.Join(sums, ""))
		err = f.close()
	}
	if err == nil {
		err = syncDir(e.partial)
	}
	if err == nil {
		err = os.Rename(e.partial, e.dir) // replaces an empty directory
	}
	if err == nil {
		err = syncDir(filepath.Dir(e.dir))
	}
	if err != nil {
		return fmt.Errorf("cannot complete evidence: %w", err)
	}
	return nil
}

func (f *evidenceFile) close() error {
	return errors.Join(f.w.Flush(), f.f.Sync(), f.f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// HashFile returns the SHA-256 of a regular file.
func HashFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
