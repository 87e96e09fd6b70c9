package api

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"bluetrail/internal/search/job"
	"bluetrail/internal/vector"
)

// progressEvery is how often a stream says how far the job is.
const progressEvery = 200 * time.Millisecond

// streamed is a line of the stream of a job.
type streamed struct {
	Type     string            `json:"type"`
	Job      *jobBody          `json:"job,omitempty"`
	Offset   *int              `json:"offset,omitempty"`
	Columns  []string          `json:"columns,omitempty"`
	Rows     []json.RawMessage `json:"rows,omitempty"`
	Since    *time.Time        `json:"since,omitempty"`
	Progress *progressBody     `json:"progress,omitempty"`
	Kept     *int              `json:"kept,omitempty"`
	Notice   *noticeBody       `json:"notice,omitempty"`
	Error    *errorBody        `json:"error,omitempty"`
}

func (s *Server) searchStream(w http.ResponseWriter, r *http.Request) error {
	j, err := s.job(r)
	if err != nil {
		return err
	}
	v, err := viewOf(r, 100_000)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("count") == "" {
		v.Count = 1000
	}
	defer j.Follow()()
	f := &follower{s: s, r: r, j: j, v: v, out: stream(w), next: v.Offset}
	return f.run() // an error means that the client is gone, or cannot be told any more
}

// follower sends what becomes of a job.
type follower struct {
	s       *Server
	r       *http.Request
	j       *job.Job
	v       job.View
	out     *lines
	next    int // row
	sent    int // rows
	notices int
	preview *job.Table
	told    time.Time // when the progress was sent
}

func (f *follower) run() error {
	if err := f.out.write(streamed{Type: "start", Job: f.s.jobBody(f.r, f.j)}); err != nil {
		return nil
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		in := f.j.Info()
		if f.step(&in) != nil {
			return nil
		}
		if in.State.Ended() {
			end := streamed{Type: "end", Job: f.s.jobAt(f.r, f.j, &in)}
			if in.State == job.Failed {
				end.Type, end.Error = "error", end.Job.Error
			}
			f.out.write(end) // an error means that the client is gone
			return nil
		}
		select {
		case <-in.Changed:
		case <-tick.C:
		case <-f.r.Context().Done():
			return nil
		}
	}
}

// step sends what is new.
func (f *follower) step(in *job.Info) error {
	for ; f.notices < len(in.Notices); f.notices++ {
		if err := f.out.write(streamed{Type: "notice", Notice: &noticesOf(in.Notices[f.notices : f.notices+1])[0]}); err != nil {
			return err
		}
	}
	if t := f.j.Preview(); t != nil && t != f.preview {
		f.preview = t
		rows, err := rowsOf(t.Batches...)
		if err != nil {
			return err
		}
		if err := f.out.write(streamed{Type: "preview", Columns: t.Columns, Rows: rows, Since: timeOf(t.Since)}); err != nil {
			return err
		}
	}
	if err := f.rows(in); err != nil {
		return err
	}
	if time.Since(f.told) < progressEvery && !in.State.Ended() {
		return nil
	}
	f.told = time.Now()
	p := progressOf(in)
	return f.out.write(streamed{Type: "progress", Progress: &p, Kept: &in.Rows})
}

// rowsAtOnce is how many rows a line has at most.
const rowsAtOnce = 200

func (f *follower) rows(in *job.Info) error {
	if f.sent >= f.v.Count || f.next >= in.Rows {
		return nil
	}
	return f.j.Each(f.next, func(first int, b *vector.Batch) error {
		for b.Len > 0 {
			if f.sent >= f.v.Count {
				return io.EOF
			}
			part := b.Slice(0, min(b.Len, rowsAtOnce, f.v.Count-f.sent))
			b = b.Slice(part.Len, b.Len)
			shown := f.v.Keep(part)
			rows, err := rowsOf(shown)
			if err != nil {
				return err
			}
			at := f.next
			if err := f.out.write(streamed{Type: "rows", Offset: &at, Columns: shown.Names(), Rows: rows}); err != nil {
				return err
			}
			f.next += part.Len
			f.sent += part.Len
		}
		return nil
	})
}
