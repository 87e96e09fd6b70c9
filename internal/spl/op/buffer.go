package op

import (
	"io"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// RowBuffer keeps batches until they are read, in the order in which they came:
// in memory, and on disk once that is tight.
type RowBuffer struct {
	env  *exec.Env
	rows []*vector.Batch
	held *exec.Held
	file *spill.File // nil = all are in memory
}

func NewRowBuffer(env *exec.Env) RowBuffer { return RowBuffer{env: env, held: env.Memory.Hold()} }

// Add puts a batch behind the others.
func (r *RowBuffer) Add(b *vector.Batch) error {
	if r.file != nil {
		return r.env.OnDisk(r.file.Write(b))
	}
	r.rows = append(r.rows, b)
	if err := r.held.Add(b.Size()); err != nil || !r.env.Tight(r.held.Size()) {
		return err
	}
	file, err := r.env.Disk.Create()
	if err != nil {
		return err
	}
	for _, b := range r.rows {
		if err := file.Write(b); err != nil {
			file.Close()
			return r.env.OnDisk(err)
		}
	}
	r.forget()
	r.file = file
	return nil
}

// Next takes the first batch out, io.EOF when there is none.
func (r *RowBuffer) Next() (*vector.Batch, error) {
	if r.file != nil {
		b, err := r.file.Next()
		if err != io.EOF {
			return b, err
		}
		r.Close()
	}
	if len(r.rows) == 0 {
		return nil, io.EOF
	}
	b := r.rows[0]
	r.rows = r.rows[1:]
	return b, nil
}

func (r *RowBuffer) forget() {
	r.held.Release()
	r.rows = nil
}

// Close frees memory and disk.
func (r *RowBuffer) Close() {
	r.forget()
	if r.file != nil {
		r.file.Close()
		r.file = nil
	}
}
