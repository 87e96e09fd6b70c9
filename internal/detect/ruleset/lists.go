package ruleset

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/spl/exec"
)

// lister is knowledge that has lists for the placeholders of Sigma rules.
type lister interface {
	List(name string) (values []string, path string, err error)
}

// lists are the lists of values for placeholders: those of the options, or else those in
// the folders of knowledge, which are opened once a rule asks. It remembers what the
// rules got.
type lists struct {
	o       *Options
	folders []string
	opened  bool
	know    splrule.Knowledge
	err     error
	used    map[string][]string
	files   []listFile
}

// listFile is a file of values as it was read.
type listFile struct {
	path     string
	size     int64
	modified time.Time
}

func (f listFile) changed() bool {
	info, err := os.Stat(f.path)
	return err != nil || info.Size() != f.size || !info.ModTime().Equal(f.modified)
}

func newLists(o *Options, folders []string) *lists {
	return &lists{o: o, folders: folders, used: map[string][]string{}}
}

// knowledge opens the folders. It is nil if the options have none.
func (l *lists) knowledge() (splrule.Knowledge, error) {
	if !l.opened && l.o.Knowledge != nil {
		l.know, l.err = l.o.Knowledge(l.folders)
	}
	l.opened = true
	return l.know, l.err
}

// of returns the values of a placeholder; it is a sigma.Lists.
func (l *lists) of(name string) (values []string, err error) {
	if l.o.Lists != nil {
		values, err = l.o.Lists(name)
		if errors.Is(err, sigma.ErrNoList) {
			values, err = l.shipped(name)
		}
		l.used[name] = values
		return values, err
	}
	know, err := l.knowledge()
	if err != nil {
		return nil, err
	}
	values, path, err := listOf(know, name)
	if info, statErr := os.Stat(path); path != "" && statErr == nil {
		l.files = append(l.files, listFile{path, info.Size(), info.ModTime()})
		values, _, err = listOf(know, name) // what changes from here on is seen as a change
	}
	if errors.Is(err, sigma.ErrNoList) {
		values, err = l.shipped(name)
	}
	l.used[name] = values
	return values, err
}

// shippedLists is the folder of the shipped lists.
const shippedLists = "lookups"

// shipped returns the values of a list that comes with the shipped rules: the lines of
// its file, without comments.
func (l *lists) shipped(name string) (values []string, err error) {
	if l.o.Shipped == nil {
		return nil, sigma.ErrNoList
	}
	text, err := fs.ReadFile(l.o.Shipped, shippedLists+"/"+name+".txt")
	if err != nil {
		return nil, sigma.ErrNoList
	}
	for line := range bytes.Lines(text) {
		if v := strings.TrimSpace(string(line)); v != "" && v[0] != '#' {
			values = append(values, v)
		}
	}
	return values, nil
}

func listOf(know splrule.Knowledge, name string) (values []string, path string, err error) {
	from, ok := know.(lister)
	if !ok {
		return nil, "", sigma.ErrNoList
	}
	if values, path, err = from.List(name); errors.Is(err, exec.ErrNoTable) {
		err = sigma.ErrNoList
	}
	return values, path, err
}

// Lists returns the lists of values that knowledge has for placeholders.
func Lists(know splrule.Knowledge) sigma.Lists {
	return func(name string) ([]string, error) {
		values, _, err := listOf(know, name)
		return values, err
	}
}
