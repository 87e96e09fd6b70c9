package generate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Label describes one staged attack, or something harmless that looks like one.
type Label struct {
	Name string `json:"name"`
	// Technique is the ATT&CK id, empty for a look-alike.
	Technique string    `json:"technique,omitempty"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Actor     string    `json:"actor"`
	Source    string    `json:"sourceIPAddress"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	EventIDs  []string  `json:"eventIDs"`
	// Search is the guide's search that finds the attack (for a look-alike: that
	// must not, or that shows it as harmless), by file name without ending; empty if none does.
	Search string `json:"search,omitempty"`
	Note   string `json:"note,omitempty"`
	// Expect says what rules must make of it.
	Expect Expectation `json:"expect"`
	// Story is the intrusion that an attack is a step of.
	Story string `json:"story,omitempty"`
	// Grown is what grew out of the actor's calls, and out of that in turn.
	Grown []Grown `json:"grown,omitempty"`
}

// Expectation is what rules must make of a label's events.
type Expectation string

// What rules must do: find the events of an attack, and find nothing above low
// in what is harmless. Either is right of what deserves a look and is harmless here.
const (
	Caught Expectation = "caught"
	Quiet  Expectation = "quiet"
	Either Expectation = "either"
)

// Grown is a key or a user that a call of a label made.
type Grown struct {
	Kind string `json:"kind"` // key, or arn of a user
	Name string `json:"name"`
	Made string `json:"made_by"` // the call
}

// maxLabel is how long a line of a file of labels may be.
const maxLabel = 16 << 20

// ReadLabels reads a file of labels, or those of a folder that Write wrote: the
// attacks, then the look-alikes.
func ReadLabels(path string) ([]Label, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read labels: %w", err)
	}
	files := []string{path}
	if info.IsDir() {
		files = []string{filepath.Join(path, LabelsFile), filepath.Join(path, LookalikesFile)}
	}
	var labels []Label
	for _, file := range files {
		if labels, err = readLabelFile(labels, file); err != nil {
			return nil, err
		}
	}
	return labels, nil
}

func readLabelFile(labels []Label, file string) ([]Label, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read labels: there is no %q; name the folder that bluetrail generate wrote, or a file of labels", file)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read labels: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLabel)
	for n := 1; lines.Scan(); n++ {
		var l Label
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("cannot read labels: %s, line %d: %w", file, n, err)
		}
		if l.Name == "" || l.Expect != Caught && l.Expect != Quiet && l.Expect != Either {
			return nil, fmt.Errorf("cannot read labels: %s, line %d: a label needs a name, and expect must be %s, %s or %s", file, n, Caught, Quiet, Either)
		}
		labels = append(labels, l)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read labels: %s: %w", file, err)
	}
	return labels, nil
}

// Labels returns the labels of a trail without writing it: the attacks, then the look-alikes.
func Labels(ctx context.Context, cfg Config) ([]Label, error) {
	t, err := newTrail(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot generate a trail: %w", err)
	}
	return append(labels(t.plot.attacks), labels(t.plot.lookalikes)...), nil
}
