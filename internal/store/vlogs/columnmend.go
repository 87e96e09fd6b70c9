package vlogs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/event"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// ColumnsDamaged reports whether the list of columns was damaged or missing
// when the store was opened for searches. Searches do not need the list; the
// next ingest rebuilds it.
func (s *Store) ColumnsDamaged() bool { return s.columns.frozen }

// rebuildColumns rebuilds the list of columns from the names that the engine
// has in each stream. No rows may be added while it runs.
func (s *Store) rebuildColumns() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot rebuild the list of columns: %w", err)
		}
	}()
	streams, err := s.ask("*", func(c *logstorage.QueryContext) ([]logstorage.ValueWithHits, error) { return s.db.GetStreams(c, 0) })
	if err != nil {
		return err
	}
	set := newColumnSet(s.dir)
	for _, text := range streams {
		labels, err := streamLabels(text)
		if err != nil {
			return err
		}
		if labels[event.Sourcetype] == "" && labels[event.Index] == "" {
			continue // rows without a stream
		}
		key := labels[event.Index] + several + labels[event.Sourcetype]
		if labels["eventSource"]+labels["eventName"] == "" {
			set.stream(key) // odd rows
			continue
		}
		var filter []string
		stream := ""
		for _, name := range slices.Sorted(slices.Values(streamColumns)) { // see Writer.columns
			filter = append(filter, name+"="+strconv.Quote(labels[name]))
			stream += labels[name] + several
		}
		fields, err := s.ask("{"+strings.Join(filter, ",")+"}", func(c *logstorage.QueryContext) ([]logstorage.ValueWithHits, error) {
			return s.db.GetFieldNames(c, "")
		})
		if err != nil {
			return err
		}
		st := set.stream(stream)
		if st == nil {
			return fmt.Errorf("the store has more than %d streams", maxStreams)
		}
		for _, name := range fields {
			if !fixed[name] && !strings.HasPrefix(name, "_") {
				set.learn(st, name)
			}
		}
	}
	if err := set.rewrite(); err != nil {
		return err
	}
	s.columns = set
	return nil
}

// ask returns the values of a query's result.
func (s *Store) ask(text string, of func(*logstorage.QueryContext) ([]logstorage.ValueWithHits, error)) ([]string, error) {
	q, err := logstorage.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	var list []logstorage.ValueWithHits
	err = s.query(context.Background(), tenants, q, func(qctx *logstorage.QueryContext) (err error) {
		list, err = of(qctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	values := make([]string, len(list))
	for i, v := range list {
		values[i] = v.Value
	}
	return values, nil
}

// streamLabels parses the engine's name of a stream: {a="b",c="d"}.
func streamLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	bad := fmt.Errorf("cannot read the stream %q", text)
	rest, ok := strings.CutPrefix(text, "{")
	for ok && rest != "}" {
		name, behind, found := strings.Cut(rest, "=")
		quoted, err := strconv.QuotedPrefix(behind)
		if !found || err != nil {
			return nil, bad
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, bad
		}
		labels[name] = value
		if rest = strings.TrimPrefix(behind[len(quoted):], ","); rest == "" {
			return nil, bad
		}
	}
	if !ok {
		return nil, bad
	}
	return labels, nil
}
