package api

import (
	"context"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/vector"
)

// categories counts the stored events by eventCategory, now and then.
type categories struct {
	mu   sync.Mutex
	at   time.Time
	have map[string]int64
}

// Bounds of counting.
const (
	categoriesEvery = 10 * time.Minute
	categoriesTime  = 5 * time.Second
)

// get returns the counts, nil if they are not known.
func (c *categories) get(ctx context.Context, s *Server) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < categoriesEvery {
		return c.have
	}
	counts := map[string]int64{}
	notice, err := s.searching(ctx, "index=* sourcetype=aws:cloudtrail | fillnull value=Management eventCategory | stats count BY eventCategory", time.Time{}, time.Time{}, categoriesTime, nil, func(b *vector.Batch) error {
		for i := range b.Len {
			counts[strings.Clone(cell(b, "eventCategory", i))] += cellNumber(b, "count", i)
		}
		return nil
	})
	if ctx.Err() != nil {
		return c.have
	}
	c.at = time.Now()
	if c.have = counts; err != nil || notice != "" { // a part of the counts would mislead
		c.have = nil
	}
	return c.have
}

// tested has the tests of shipped rules, which the rules that run leave out.
type tested struct {
	once  sync.Once
	tests map[string][]sigma.Test // by ID of the rule
	byID  map[string]int
}

func (t *tested) load(s *Server) {
	t.once.Do(func() {
		t.tests, t.byID = map[string][]sigma.Test{}, map[string]int{}
		if s.cfg.Product.Own == nil {
			return
		}
		rs, err := s.cfg.Product.Own.Tested(context.Background())
		if err != nil {
			return
		}
		for i := range rs.Rules {
			t.tests[rs.Rules[i].ID], t.byID[rs.Rules[i].ID] = rs.Rules[i].Tests, len(rs.Rules[i].Tests)
		}
	})
}

// counts returns how many tests the shipped rules have.
func (t *tested) counts(s *Server) map[string]int {
	t.load(s)
	return t.byID
}

// of returns the tests of a rule.
func (t *tested) of(s *Server, r *ruleset.Rule) []sigma.Test {
	if len(r.Tests) > 0 || !strings.HasPrefix(r.File, ruleset.ShippedPrefix) {
		return r.Tests
	}
	t.load(s)
	return t.tests[r.ID]
}

// sized remembers the size of a folder for some time: there may be many files.
type sized struct {
	mu    sync.Mutex
	at    time.Time
	bytes int64
}

func (x *sized) get(dir string) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if time.Since(x.at) > time.Minute {
		x.bytes, x.at = folderSize(dir), time.Now()
	}
	return x.bytes
}
