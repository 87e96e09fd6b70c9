package cmd

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Extract creates fields from the key=value pairs of _raw, or from stanzas of
// transforms.conf.
type Extract struct {
	Stanzas            []string
	PairDelim, KVDelim string // sets of characters
	Limit, MaxChars    int
	Add, Clean         bool
	KeepEmpty          bool
}

func init() {
	d := Extract{Limit: 50, MaxChars: 10240, Clean: true, PairDelim: " \t\n\r,;|&", KVDelim: "="}
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "extract", Aliases: []string{"kv"}, Kind: syntax.KindStreaming,
		Summary: "Extract fields from key=value pairs in the raw text.",
		Syntax:  "extract [pairdelim=<characters>] [kvdelim=<characters>] [limit=<n>] [maxchars=<n>] [mv_add=<bool>] [clean_keys=<bool>] [<stanza> …]",
		Doc:     "Values in double quotes may contain delimiters. Spaces around keys and values are stripped, as are quotes around keys. Existing fields are replaced. If a key occurs twice, the first value is used unless `mv_add=true`. If stanzas of the knowledge folder's transforms.conf are named, their REGEX or DELIMS extract the fields instead.",
		Args: []syntax.Arg{
			{Name: "pairdelim", Default: "whitespace and , ; | &", Doc: "The characters that separate pairs."},
			{Name: "kvdelim", Default: "=", Doc: "The characters that separate a key from its value."},
			{Name: "limit", Default: "50", Doc: "Maximum number of pairs."},
			{Name: "maxchars", Default: "10240", Doc: "Maximum number of bytes of the text to examine."},
			{Name: "mv_add", Default: "false", Doc: "Keep all values of a key."},
			{Name: "clean_keys", Default: "true", Doc: "Replace characters of a key other than letters, digits and _ with _."},
			{Name: "<stanza>", Doc: "A stanza of transforms.conf with REGEX and FORMAT, or DELIMS and FIELDS; SOURCE_KEY, MV_ADD, CLEAN_KEYS and KEEP_EMPTY_VALS are honored."},
			{Name: "reload, auto, segment", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="a=1 b.x=\"two words\" a=3" | extract | table a b_x`,
			Want:   []string{`{"a":"1","b_x":"two words"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := d
			start := p.Peek().Span
			options := []string{"pairdelim", "kvdelim", "limit", "maxchars", "mv_add", "clean_keys", "reload", "auto", "segment"}
			set := func(o syntax.Option) (err error) {
				switch o.Name {
				case "pairdelim":
					c.PairDelim = unescapeDelims(o.Value.Text)
				case "kvdelim":
					c.KVDelim = unescapeDelims(o.Value.Text)
				case "limit":
					c.Limit, err = o.Int(0)
				case "maxchars":
					c.MaxChars, err = o.Int(0)
				case "mv_add":
					c.Add, err = o.Bool()
				case "clean_keys":
					c.Clean, err = o.Bool()
				}
				return err
			}
			err := p.Options(options, set)
			for err == nil && !p.AtEnd() {
				var names []string
				if names, err = p.Fields(); err == nil {
					c.Stanzas = append(c.Stanzas, names...)
					err = p.Options(options, set)
				}
			}
			if err == nil && (c.PairDelim == "" || c.KVDelim == "") {
				err = diag.At(start, "the delimiters must not be empty")
			}
			return &c, err
		},
	})
}

func unescapeDelims(s string) string {
	return strings.NewReplacer(`\t`, "\t", `\n`, "\n", `\r`, "\r").Replace(s)
}

func quoteDelims(s string) string {
	return filter.Quote(strings.NewReplacer("\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s))
}

// Print implements syntax.Command.
func (c *Extract) Print() string {
	if len(c.Stanzas) > 0 {
		return "extract " + syntax.PrintFields(c.Stanzas)
	}
	return "extract pairdelim=" + quoteDelims(c.PairDelim) + " kvdelim=" + quoteDelims(c.KVDelim) + " limit=" + strconv.Itoa(c.Limit) +
		" maxchars=" + strconv.Itoa(c.MaxChars) + " mv_add=" + strconv.FormatBool(c.Add) + " clean_keys=" + strconv.FormatBool(c.Clean)
}

// Needs implements syntax.Command.
func (c *Extract) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Stanzas) > 0 {
		return out.Union(filter.AllFields()) // the fields that the stanzas read are unknown until the search runs
	}
	return out.Add("_raw")
}

// NewMapper implements exec.Streaming.
func (c *Extract) NewMapper(env *exec.Env) (exec.Mapper, error) {
	all := []extraction{{"_raw", c.Add, c.pairs}}
	if len(c.Stanzas) > 0 {
		all = nil
	}
	for _, name := range c.Stanzas {
		x, err := newStanzaExtractor(env, name)
		if err != nil {
			return nil, err
		}
		all = append(all, extraction{x.Source, x.Add, x.each})
	}
	return op.Discover{Open: func(b *vector.Batch) func(int, func(name, value string)) {
		return func(row int, add func(name, value string)) {
			known := map[string]bool{}
			for _, x := range all {
				for _, text := range b.At(x.source, row).All() {
					x.each(text, func(key, value string) {
						if x.add || !known[key] {
							known[key] = true
							add(key, value)
						}
					})
				}
			}
		}
	}}, nil
}

// extraction is one way to extract fields from the texts of a source field.
// With add, all values of a field are kept; otherwise only the first.
type extraction struct {
	source string
	add    bool
	each   func(text string, yield func(key, value string))
}

// pairs calls yield for each key and value of a text.
func (c *Extract) pairs(s string, yield func(key, value string)) {
	if c.MaxChars > 0 && len(s) > c.MaxChars {
		s = s[:c.MaxChars]
	}
	for n := 0; s != "" && (c.Limit == 0 || n < c.Limit); {
		at := strings.IndexAny(s, c.KVDelim+c.PairDelim)
		if at < 0 {
			return
		}
		key := strings.Trim(s[:at], " \t\r\n\"'")
		pair := strings.ContainsRune(c.KVDelim, rune(s[at]))
		s = s[at+1:]
		if !pair {
			continue
		}
		if inner := strings.TrimLeft(s, " \t"); !strings.ContainsAny(c.PairDelim, s[:len(s)-len(inner)]) {
			s = inner
		}
		value, rest, quoted := quotedValue(s)
		if quoted {
			s = rest
		} else if end := strings.IndexAny(s, c.PairDelim); end >= 0 {
			value, s = strings.TrimSpace(s[:end]), s[end+1:]
		} else {
			value, s = strings.TrimSpace(s), ""
		}
		if key = c.clean(key); key != "" && (value != "" || c.KeepEmpty) {
			yield(key, value)
			n++
		}
	}
}

// quotedValue reads a value in double quotes. A backslash escapes a quote
// inside the value.
func quotedValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return strings.ReplaceAll(s[1:i], `\"`, `"`), s[i+1:], true
		}
	}
	return "", s, false
}

// clean turns a key into a field name without leading underscores, which would
// make it internal.
func (c *Extract) clean(key string) string {
	if c.Clean {
		key = cleanKey(key)
	}
	return strings.TrimLeft(key, "_")
}

// cleanKey replaces all characters but letters, digits and _ by _, and removes
// leading digits and underscores.
func cleanKey(key string) string {
	return strings.TrimLeft(strings.Map(func(r rune) rune {
		if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, key), "_0123456789")
}
