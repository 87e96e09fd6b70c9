package vlogs

import (
	"context"
	"fmt"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/store"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

var _ store.Indexed = (*Store)(nil)

// maxIndexes limits how many indexes are listed.
const maxIndexes = 1000

// Indexes implements store.Indexed. The index is a part of every stream.
func (s *Store) Indexes(ctx context.Context) ([]string, error) {
	q, err := logstorage.ParseQuery("*")
	if err != nil {
		return nil, err
	}
	var values []logstorage.ValueWithHits
	err = s.query(ctx, tenants, q, func(qctx *logstorage.QueryContext) (err error) {
		values, err = s.db.GetStreamFieldValues(qctx, event.Index, "", maxIndexes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the indexes: %w", err)
	}
	var names []string
	for _, v := range values {
		names = append(names, v.Value)
	}
	slices.Sort(names)
	return names, nil
}
