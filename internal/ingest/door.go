package ingest

import (
	"maps"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/state"
)

// Door decides which records are dropped before they are stored. It is safe for concurrent
// use.
type Door interface {
	// Names returns the names of the filters.
	Names() []string
	Worker() (DoorWorker, error)
}

// DoorWorker looks at records. It is for one goroutine and keeps nothing of a record.
type DoorWorker interface {
	// Drops returns the position of the filter that drops a record, -1 = none.
	Drops(raw []byte, meta *event.Meta) int
}

// dropped counts records by the name of the filter that dropped them.
type dropped map[string]int64

func (d dropped) merge(o dropped) {
	for name, n := range o {
		d[name] += n
	}
}

// dropsCommit writes what filters dropped with a checkpoint, beside what the sink writes.
// Both a record that was dropped and its count belong to the commit that makes its file done.
func (p *Pipeline) dropsCommit(d dropped) func(*state.Tx) error {
	sink := p.sinkCommit()
	if len(d) == 0 {
		return sink
	}
	return func(tx *state.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(d)) {
			if err := tx.AddDropped(name, d[name], p.cfg.Clock()); err != nil {
				return err
			}
		}
		if sink == nil {
			return nil
		}
		return sink(tx)
	}
}

// SetDoor replaces what decides which records are dropped, for the files that are read from
// now on; nil = nothing is dropped.
func (p *Pipeline) SetDoor(d Door) {
	if d == nil || len(d.Names()) == 0 {
		p.door.Store(nil)
		return
	}
	none := dropped{}
	for _, name := range d.Names() {
		none[name] = 0
	}
	p.counts.drop(none) // metrics show it from the start
	p.door.Store(&d)
}

// doorman is the worker of a reader and the door that it belongs to.
type doorman struct {
	of     *Door
	names  []string
	worker DoorWorker // nil = nothing is dropped
}

// use makes a worker of a door, unless there is one.
func (m *doorman) use(d *Door) (doorman, error) {
	if m.of == d {
		return *m, nil
	}
	*m = doorman{}
	if d == nil {
		return *m, nil
	}
	worker, err := (*d).Worker()
	if err == nil {
		*m = doorman{d, (*d).Names(), worker}
	}
	return *m, err
}

// drops reports whether a filter drops a record, and counts it.
func (j *job) drops(c *chunk, rec *record, known *event.Identity, raw []byte) bool {
	if j.door.worker == nil {
		return false
	}
	meta := c.meta
	meta.Fallback = rec.time
	if meta.Sourcetype == "" {
		meta.Sourcetype = known.Sourcetype
	}
	filter := j.door.worker.Drops(raw, &meta)
	if filter < 0 {
		return false
	}
	if c.dropped == nil {
		c.dropped = dropped{}
	}
	c.dropped[j.door.names[filter]]++
	return true
}
