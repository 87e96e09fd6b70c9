package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bluetrail/internal/leftover"
	"bluetrail/internal/state"
)

// Snapshot is a data directory at one instant, as links in a folder of the data
// directory itself.
type Snapshot struct {
	Dir    string // events, ids and all other files except the state
	Events int64  // that the store holds
	Point  state.Checkpoint
	lock   *os.File
}

// SnapshotDir holds a snapshot for as long as a backup takes.
const SnapshotDir = leftover.SnapshotDir

// notCopied are entries of a data directory that a snapshot leaves out: what is pending,
// what was damaged, and what belongs to the process. The first three are copied in ways
// of their own.
func notCopied(name string) bool {
	switch name {
	case EventsDir, idsDir, SnapshotDir, "collect", "aside", "lost+found":
		return true
	}
	return strings.HasPrefix(name, state.DatabaseFile) || strings.HasPrefix(name, ".")
}

// Snapshot freezes the data directory as it is after the last commit. The state is copied
// to the file statePath, which must not exist. Commits wait while the links are made and
// the state is copied; searches go on. The caller closes the snapshot.
func (p *Pipeline) Snapshot(ctx context.Context, statePath string) (_ *Snapshot, err error) {
	s := &Snapshot{Dir: filepath.Join(p.cfg.Data, SnapshotDir)}
	if s.lock, err = leftover.Hold(p.cfg.Data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	complete, err := p.freeze(s, statePath)
	if err != nil {
		return nil, err
	}
	if err := complete(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(p.cfg.Data)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if notCopied(e.Name()) {
			continue
		}
		if err := copyTree(ctx, filepath.Join(p.cfg.Data, e.Name()), filepath.Join(s.Dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// freeze copies what must be of one instant.
func (p *Pipeline) freeze(s *Snapshot, statePath string) (complete func() error, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if err := p.Err(); err != nil {
		return nil, err
	}
	if complete, err = p.store.Snapshot(filepath.Join(s.Dir, EventsDir)); err != nil {
		return nil, err
	}
	if err := linkIDs(filepath.Join(p.cfg.Data, idsDir), filepath.Join(s.Dir, idsDir)); err != nil {
		return nil, fmt.Errorf("cannot copy the known ids: %w", err)
	}
	if err := p.state.CopyTo(statePath); err != nil {
		return nil, err
	}
	s.Point = p.point
	s.Events, err = p.stored()
	return complete, err
}

// linkIDs links the known ids; logs, which grow, are copied.
func linkIDs(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		switch {
		case !e.Type().IsRegular() || strings.HasSuffix(e.Name(), ".tmp"):
		case strings.HasSuffix(e.Name(), ".run"):
			err = os.Link(src, dst)
		default:
			err = copyOne(src, dst)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies a file or a folder. What vanishes meanwhile, and what is neither, is left out.
func copyTree(ctx context.Context, from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch dst := filepath.Join(to, rel); {
		case d.IsDir():
			return os.MkdirAll(dst, 0o700)
		case !d.Type().IsRegular() || strings.HasSuffix(path, ".tmp"):
			return ctx.Err()
		default:
			return errors.Join(copyOne(path, dst), ctx.Err())
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// copyOne copies a file with its time.
func copyOne(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// Close removes the snapshot.
func (s *Snapshot) Close() error {
	return errors.Join(os.RemoveAll(s.Dir), s.lock.Close())
}
