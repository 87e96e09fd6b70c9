package idset

import (
	"errors"
	"fmt"
	"slices"

	"bluetrail/internal/tally"
)

// Cut is the ids added to a Set up to some moment, while they are written to
// disk. The set knows these ids meanwhile, and more may be added. If Write
// fails, they wait for the next Cut.
type Cut struct {
	set     *Set
	parts   []*bucket
	files   []settled // of parts
	durable bool
}

// Commit makes the added ids durable.
func (s *Set) Commit() error {
	c := s.Cut()
	return errors.Join(c.Write(), c.Finish())
}

// Cut takes the added ids. Write and Finish must follow before the next Cut.
func (s *Set) Cut() *Cut {
	if s.cut != nil {
		panic("idset: a cut is not finished")
	}
	s.cut = &Cut{set: s, parts: s.dirty}
	s.dirty = nil
	for _, b := range s.cut.parts {
		b.cutting, b.pending = b.pending, nil
	}
	return s.cut
}

// Write makes the ids durable. It may run concurrently with other methods of
// the set.
func (c *Cut) Write() error {
	if err := c.write(); err != nil {
		return fmt.Errorf("cannot save known ids: %w", err)
	}
	return nil
}

// fewFiles is the number of files up to which they are synced one by one; above
// it the whole file system is synced.
const fewFiles = 8

func (c *Cut) write() error {
	if len(c.parts) == 0 {
		return nil
	}
	made := false
	for _, b := range c.parts {
		f, isNew, err := b.append()
		if err != nil {
			return err
		}
		made = made || isNew
		if len(c.parts) <= fewFiles {
			err = f.Sync()
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	if len(c.parts) > fewFiles {
		if err := syncAll(c.set.dir, c.parts); err != nil {
			return err
		}
	}
	if made {
		if err := syncDir(c.set.dir); err != nil {
			return err
		}
	}
	c.durable = true
	c.files = make([]settled, len(c.parts))
	for i, b := range c.parts {
		b.written()
		c.files[i] = settled{runs: slices.Clone(b.runs), seqs: slices.Clone(b.seqs)}
	}
	for i, b := range c.parts {
		if err := b.settle(&c.files[i]); err != nil {
			return err
		}
	}
	return nil
}

// Finish records the result of Write.
func (c *Cut) Finish() (err error) {
	s := c.set
	s.cut = nil
	for i, b := range c.parts {
		entries := b.cutting
		b.cutting = nil
		if !c.durable {
			if len(b.pending) == 0 {
				s.dirty = append(s.dirty, b)
			}
			b.pending = append(entries, b.pending...)
			continue
		}
		var added tally.Tally
		for _, e := range entries {
			added.Add(e.id())
		}
		s.count(b.name, added)
		if b.pending == nil && cap(entries) <= 1<<10 {
			b.pending = entries[:0]
		}
		err = errors.Join(err, b.install(&c.files[i]))
		s.weigh(b)
	}
	s.evict()
	if err != nil {
		return fmt.Errorf("cannot save known ids: %w", err)
	}
	return nil
}
