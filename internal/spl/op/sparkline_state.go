package op

import (
	"encoding/binary"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

var _ exec.Divisible = (*sparkline)(nil)

// maxSparkCells is how many buckets a sparkline has at most while it is gathered.
const maxSparkCells = 2*maxSparkBars + 1

// Marshal implements exec.Aggregate: the span of the buckets, the times that were
// seen by all lines together, and the buckets.
func (s *sparkline) Marshal(dst []byte) []byte {
	some := byte(0)
	if s.extent.some {
		some = 1
	}
	dst = append(dst, exec.StateSparkline, some)
	dst = vector.AppendFloat(vector.AppendFloat(dst, s.extent.lo), s.extent.hi)
	dst = vector.AppendText(vector.AppendFloat(dst, s.bucket.Span.N), s.bucket.Span.Unit)
	dst = binary.AppendUvarint(dst, uint64(len(s.cells)))
	for start, cell := range s.cells {
		dst = cell.Marshal(vector.AppendFloat(dst, start))
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (s *sparkline) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateSparkline)
	some := d.Byte() != 0
	lo, hi := d.Float(), d.Float()
	span := *s.bucket.Span
	span.N, span.Unit = d.Float(), d.Text()
	span.Text = vector.FormatNumber(span.N) + span.Unit
	cells := d.Count(maxSparkCells)
	if !(math.Abs(lo) < lastSecond) || !(math.Abs(hi) < lastSecond) || !span.sparkable() {
		d.Fail()
	}
	rest, err := exec.StateRead(d)
	if err != nil {
		return nil, err
	}
	if some {
		s.extent.add(lo)
		s.extent.add(hi)
	}
	s.bucket = Bucketer{Span: &span, Zone: s.env.Zone}
	for range cells {
		d := vector.NewDecoder(rest)
		start := d.Float()
		if !(math.Abs(start) < 2*lastSecond) || s.cells[start] != nil {
			d.Fail()
		}
		if rest, err = exec.StateRead(d); err != nil {
			return nil, err
		}
		cell := s.cell(start)
		if rest, err = cell.Unmarshal(rest); err != nil {
			return nil, err
		}
		s.size += cell.Size()
	}
	return rest, nil
}

// sparkable reports whether a span read from a state can be that of a sparkline.
func (s *Span) sparkable() bool {
	whole := s.N == math.Trunc(s.N) && splunktime.Unit(s.Unit) == s.Unit
	return s.N > 0 && s.N < lastSecond && (s.Unit == "" || whole)
}

// Divide implements exec.Divisible.
func (s *sparkline) Divide(size int) exec.Aggregate {
	part := newSparkline(s.env, s.inner, s.asked)
	part.bucket, part.extent = s.bucket, s.extent
	for start, cell := range s.cells {
		held := cell.Size()
		if large, ok := cell.(exec.Divisible); ok && held > size {
			piece := large.Divide(size - part.size)
			part.cells[start] = piece
			part.size += sparkCell + piece.Size()
			s.size -= held - cell.Size()
		} else {
			delete(s.cells, start)
			part.cells[start] = cell
			part.size += sparkCell + held
			s.size -= sparkCell + held
		}
		if part.size >= size {
			break
		}
	}
	return part
}
