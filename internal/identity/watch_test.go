package identity

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestStirred adds random facts to a trail: whenever a caller that was asked for
// resolves otherwise than before, the trail has to say so.
func TestStirred(t *testing.T) {
	stirred, quiet := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		key := func() string { return fmt.Sprintf("ASIAABCDEFGHIJKL%04d", r.IntN(6)) }
		facts := func() *Facts {
			f := &Facts{Caller: Caller{
				Type: "AssumedRole", ARN: fmt.Sprintf("arn:aws:sts::1:assumed-role/r/s%d", r.IntN(3)), PrincipalID: fmt.Sprintf("AROA%d:s", r.IntN(3)), AccessKeyID: key(), Created: int64(1 + r.IntN(2)),
				Time: int64(1+r.IntN(400)) * 60e9,
			}}
			if r.IntN(3) == 0 {
				f.Caller = Caller{Type: "IAMUser", ARN: "arn:aws:iam::1:user/u", PrincipalID: "AIDA", AccessKeyID: fmt.Sprintf("AKIAABCDEFGHIJKL%04d", r.IntN(2)), Time: int64(1+r.IntN(400)) * 60e9}
			}
			if r.IntN(3) == 0 {
				f.Links = append(f.Links, Link{Key: key(), What: AssumedRole, Holder: f.Caller.PrincipalID})
			}
			if r.IntN(5) == 0 {
				f.Caller.SignInSession = fmt.Sprintf("arn:aws:signin::1:session/%d", r.IntN(2))
			}
			if r.IntN(6) == 0 {
				f.Caller.UserID, f.Caller.IdentityStore = fmt.Sprint("user", r.IntN(2)), "store"
			}
			return f
		}
		trail := NewTrail(0)
		var callers []Caller
		for range r.IntN(10) {
			f := facts()
			trail.Add(f)
			callers = append(callers, f.Caller)
		}
		answers := func() (all []string) {
			for i := range callers {
				w := trail.Resolve(&callers[i])
				all = append(all, fmt.Sprint(w.Actor, w.Type, w.Session, w.String()))
			}
			return all
		}
		trail.Watch()
		before := answers()
		for range 8 {
			trail.Add(facts())
			said := trail.Stirred()
			if after := answers(); fmt.Sprint(after) != fmt.Sprint(before) {
				if !said {
					t.Fatalf("seed %d: the answers changed unnoticed:\n%q\n%q", seed, before, after)
				}
				before = after
				stirred++
			} else if !said {
				quiet++
			}
			if said {
				trail.Watch()
				answers()
			}
		}
	}
	if stirred < 100 || quiet < 100 {
		t.Errorf("%d changes, %d times nothing", stirred, quiet)
	}
}
