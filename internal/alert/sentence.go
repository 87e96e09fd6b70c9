package alert

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bluetrail/internal/diag"

	"github.com/dustin/go-humanize"
)

// Bounds of a sentence.
const (
	maxWord     = 80 // characters of one value
	maxSentence = 600
	namedValues = 3
)

// summarize returns a sentence that says what happened: who did what to what, from
// where, with what outcome, how often and when. Texts of the trail cannot end it or go on
// with a sentence of their own.
func summarize(a *Alert) string {
	var b strings.Builder
	if a.Message != "" {
		b.WriteString(strings.TrimRight(clipWord(messageWords(a), maxSentence), ". "))
	} else {
		b.WriteString(whoWords(a))
		b.WriteString(didWords(a))
	}
	if from := several(places(a), itself); from != "" && (a.Message == "" || !named(a)) {
		b.WriteString(" from " + from)
	}
	if in := several(a.Region, plain); a.Message == "" && in != "" && len(a.Region) <= namedValues {
		b.WriteString(" in " + in)
	}
	b.WriteString(when(a))
	if a.Outcome == "mixed" {
		b.WriteString("; some of the calls failed")
	}
	return capital(b.String()) + "."
}

// messageWords is the rule's own sentence with the actors in words.
func messageWords(a *Alert) string {
	text := a.Message
	for i, actor := range a.Actor {
		if strings.HasPrefix(actor, "arn:") {
			text = strings.ReplaceAll(text, actor, actorWords(a, i))
		}
	}
	return diag.Printable(text)
}

// named reports whether the rule's own sentence has an address of the alert.
func named(a *Alert) bool {
	for _, s := range a.Sources {
		if strings.Contains(a.Message, s.Address) {
			return true
		}
	}
	return false
}

// places returns the addresses with their countries and networks.
func places(a *Alert) (list []string) {
	for _, s := range a.Sources {
		text := plain(s.Address)
		var about []string
		for _, x := range []string{s.Country, s.Network} {
			if x != "" {
				about = append(about, diag.Printable(x))
			}
		}
		if len(about) > 0 {
			text += " (" + strings.Join(about, ", ") + ")"
		}
		list = append(list, text)
	}
	return list
}

func itself(s string) string { return s }

func actorWords(a *Alert, i int) string {
	kind := ""
	if len(a.ActorType) == len(a.Actor) {
		kind = a.ActorType[i]
	} else if len(a.ActorType) == 1 {
		kind = a.ActorType[0]
	}
	return ActorWords(a.Actor[i], kind)
}

// whoWords names the actor.
func whoWords(a *Alert) string {
	names := make([]string, len(a.Actor))
	for i := range a.Actor {
		names[i] = actorWords(a, i)
	}
	if text := several(names, itself); text != "" {
		return text
	}
	if a.Entity != "" {
		return plain(a.Entity)
	}
	return "someone"
}

// ActorWords names an actor in words: the IAM user alice in account 111122223333.
func ActorWords(actor, kind string) string {
	account, resource := "", ""
	if parts := strings.SplitN(actor, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		account, resource = parts[4], parts[5]
	}
	in := ""
	if account != "" {
		in = " in account " + plain(account)
	}
	kindOf, name, _ := strings.Cut(resource, "/")
	if at := strings.LastIndexByte(name, '/'); at >= 0 && kindOf != "assumed-role" { // a path
		name = name[at+1:]
	}
	switch {
	case resource == "root" || kind == "root":
		if account == "" {
			return "the root user"
		}
		return "the root user of account " + plain(account)
	case kindOf == "user":
		return "the IAM user " + plain(name) + in
	case kindOf == "role":
		return "the role " + plain(name) + in
	case kindOf == "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		return "the role " + plain(role) + " (session " + plain(session) + ")" + in
	case kindOf == "federated-user":
		return "the federated user " + plain(name) + in
	case kind == "service" || strings.HasSuffix(actor, ".amazonaws.com"):
		return "the AWS service " + plain(strings.TrimSuffix(actor, ".amazonaws.com"))
	case actor == "HIDDEN_DUE_TO_SECURITY_REASONS":
		return "a user whose name AWS hides"
	case kind == "iam-user":
		return "the IAM user " + plain(actor)
	case kind == "identity-center-user":
		return "the single sign-on user " + plain(actor)
	case kind == "anonymous" || actor == "":
		return "someone without credentials"
	case len(actor) == 12 && strings.Trim(actor, "0123456789") == "":
		return "account " + actor
	}
	return plain(actor)
}

// didWords says what the actor did and how it ended.
func didWords(a *Alert) string {
	calls := a.EventName
	if len(calls) == 0 {
		return " did something that the rule \"" + diag.Printable(clipWord(a.Rule, maxWord)) + "\" looks for"
	}
	object := several(a.Object, objectWords)
	if len(calls) == 1 {
		d, known := deedOf(calls[0])
		text := ""
		switch a.Outcome {
		case "denied":
			text = " was not allowed to " + d.infinitive
			if d.own != "" {
				text = " failed to " + d.infinitive
			}
		case "error":
			text = " failed to " + d.infinitive
		case "mixed":
			text = " tried to " + d.infinitive
		default:
			text = " " + d.past
		}
		if object != "" && d.own == "" {
			text += d.joint + object
		}
		if known {
			text += " (" + plain(calls[0]) + ")"
		}
		return text
	}
	list := several(calls, plain)
	text := " called " + list
	switch a.Outcome {
	case "denied":
		text = " was denied " + list
	case "error":
		text = " failed to call " + list
	}
	if object != "" {
		text += " on " + object
	}
	return text
}

// objectWords names what was acted on: of an ARN, the part that people know.
func objectWords(s string) string {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return plain(s)
	}
	name := parts[5]
	if at := strings.IndexAny(name, ":/"); at >= 0 && at < len(name)-1 {
		name = name[at+1:] // trail/main, secret:prod/db
	}
	return plain(name)
}

// when says how often and when.
func when(a *Alert) string {
	const day, clock, both = "2 Jan 2006", "15:04:05", "15:04:05 on 2 Jan 2006"
	first, last := a.First.UTC(), a.Last.UTC()
	n := ""
	if a.Count > 1 {
		n = ", " + humanize.Comma(a.Count) + " times"
		if a.Count == 2 {
			n = ", twice"
		}
	}
	switch {
	case first.IsZero():
		return n
	case last.Sub(first) < time.Second:
		return n + " at " + first.Format("15:04:05 UTC on 2 Jan 2006")
	case first.Format(day) == last.Format(day):
		return n + " between " + first.Format(clock) + " and " + last.Format("15:04:05 UTC on 2 Jan 2006")
	}
	return n + " between " + first.Format(both) + " and " + last.Format(both+" UTC")
}

// several puts values in words: a, b and 4 more.
func several(list []string, word func(string) string) string {
	var named []string
	for i, v := range list {
		if i == namedValues {
			return strings.Join(named, ", ") + fmt.Sprintf(" and %d more", len(list)-i)
		}
		named = append(named, word(v))
	}
	if n := len(named); n > 1 {
		return strings.Join(named[:n-1], ", ") + " and " + named[n-1]
	}
	return strings.Join(named, "")
}

// plain writes a value of the trail in a sentence. It is quoted where it has characters
// that names of AWS do not have, so that it cannot pass for a part of the sentence.
func plain(s string) string {
	s = clipWord(diag.Printable(s), maxWord)
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@+=,*#…()", r) {
			return `"` + strings.ReplaceAll(s, `"`, "'") + `"`
		}
	}
	return s
}

// clipWord shortens a text in its middle to a number of characters.
func clipWord(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)
	return string(r[:most*2/3]) + "…" + string(r[len(r)-(most-most*2/3-1):])
}

// capital begins a sentence with a capital, unless a name that is no plain word stands
// there: names are case-sensitive.
func capital(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if first == "" || strings.ContainsFunc(first, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}
