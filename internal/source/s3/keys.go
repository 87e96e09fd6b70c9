package s3

import (
	"context"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/aws/bucket"
)

// named hands out the objects of Options.Keys. Their folders are listed, which takes a
// request for a thousand keys and tells sizes and ETags.
func (s *Source) named(ctx context.Context) error {
	folders := map[string][]string{}
	left := map[string]bool{}
	for _, key := range s.o.Keys {
		folder := key[:strings.LastIndexByte(key, '/')+1]
		folders[folder] = append(folders[folder], key)
		left[key] = true
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		first, last := slices.Min(folders[folder]), slices.Max(folders[folder])
		l := bucket.Listing{Prefix: folder, After: first[:len(first)-1], Until: last + "\x00"}
		for !l.Ended {
			page, err := s.o.Bucket.Next(ctx, &l)
			if code(err) == "NoSuchBucket" {
				s.miss(left)
				return nil
			}
			if err != nil {
				return err
			}
			for i := range page {
				p := &pending{Object: page[i]}
				if !left[p.Key] || !s.wanted(p) {
					continue
				}
				delete(left, p.Key)
				if err := s.hand(ctx, p); err != nil {
					return err
				}
			}
		}
	}
	s.miss(left)
	return nil
}

func (s *Source) miss(keys map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing = slices.Sorted(maps.Keys(keys))
}

// Missing returns which of Options.Keys are not in the bucket. It is complete once Next
// has returned io.EOF.
func (s *Source) Missing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing
}
