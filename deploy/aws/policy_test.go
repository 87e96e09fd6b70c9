package aws_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"bluetrail/internal/aws/permission"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

var update = flag.Bool("update", false, "write what the code calls into the templates")

const (
	cloudFormation = "cloudformation.yaml"
	terraform      = "main.tf"
)

// TestReadRole: both templates permit what the code calls, and no more.
func TestReadRole(t *testing.T) {
	var yaml, hcl strings.Builder
	fmt.Fprint(&yaml, "            Statement:\n")
	fmt.Fprint(&hcl, "    Statement = [\n")
	for _, s := range permission.Statements(permission.Reading...) {
		quoted := func(q string) string { return q + strings.Join(s.Actions, q+", "+q) + q }
		in, out := "'*'", `"*"`
		switch s.On {
		case permission.Bucket:
			in, out = "!GetAtt Bucket.Arn", "aws_s3_bucket.trail.arn"
		case permission.AnyObject:
			in, out = "!Sub '${Bucket.Arn}/*'", `"${aws_s3_bucket.trail.arn}/*"`
		case permission.Key:
			in, out = "!GetAtt Key.Arn", "aws_kms_key.trail.arn"
		case permission.AnyQueue:
			in, out = "[!GetAtt Queue.Arn, !GetAtt DeadLetterQueue.Arn]", "[aws_sqs_queue.trail.arn, aws_sqs_queue.dead_letters.arn]"
		case permission.Trail:
			in, out = "!Sub 'arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/${TrailName}'", "local.trail_arn"
		}
		fmt.Fprintf(&yaml, "              - Sid: %s\n                Effect: Allow\n                Action: [%s]\n                Resource: %s\n", s.Sid, quoted("'"), in)
		fmt.Fprintf(&hcl, "      {\n        Sid      = %q\n        Effect   = \"Allow\"\n        Action   = [%s]\n        Resource = %s\n      },\n", s.Sid, quoted(`"`), out)
	}
	fmt.Fprint(&hcl, "    ]\n")
	for name, want := range map[string]string{cloudFormation: yaml.String(), terraform: hcl.String()} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`(?s)# BEGIN statements:[^\n]*\n(.*?)[ ]*# END statements`).FindSubmatchIndex(text)
		if m == nil {
			t.Fatalf("%s has no marks of generated statements", name)
		}
		if *update {
			text = append(append(bytes.Clone(text[:m[2]]), want...), text[m[3]:]...)
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if d := cmp.Diff(want, string(text[m[2]:m[3]])); d != "" {
			t.Errorf("%s does not permit what the code calls; run go test ./deploy/aws -update: %s", name, d)
		}
	}
}

// stack resolves the functions of a CloudFormation template.
type stack struct {
	t      *testing.T
	params map[string]string
	known  map[string]bool // resources, parameters and conditions
	conds  map[string]ast.Node
}

// attributes are the same in both templates: by CloudFormation's name and Terraform's.
var attributes = map[string]string{
	"Bucket": "the-bucket", "Bucket.Arn": "arn:bucket", "Key": "the-key", "Key.Arn": "arn:key", "Topic": "arn:topic", "Queue": "https://queue", "Queue.Arn": "arn:queue",
	"DeadLetterQueue": "https://dead", "DeadLetterQueue.Arn": "arn:dead", "Reader.Arn": "arn:reader", "Trail.Arn": "arn:trail",
	"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333",
}

type noValue struct{}

func (s *stack) value(n ast.Node) any {
	s.t.Helper()
	switch n := n.(type) {
	case *ast.TagNode:
		return s.call(n.Start.Value, n.Value)
	case *ast.MappingValueNode:
		return map[string]any{n.Key.String(): s.value(n.Value)}
	case *ast.MappingNode:
		m := map[string]any{}
		for _, v := range n.Values {
			if x := s.value(v.Value); x != (noValue{}) {
				key := strings.Trim(v.Key.String(), "'\"")
				if _, twice := m[key]; twice {
					s.t.Errorf("%s: %q is there twice", v.Key.GetToken().Position, key)
				}
				m[key] = x
			}
		}
		return m
	case *ast.SequenceNode:
		list := []any{}
		for _, v := range n.Values {
			if x := s.value(v); !reflect.DeepEqual(x, noValue{}) {
				list = append(list, x)
			}
		}
		return list
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return fmt.Sprint(n.Value)
	}
	s.t.Errorf("%s: a %T", n.GetToken().Position, n)
	return nil
}

func (s *stack) ref(name string) string {
	s.t.Helper()
	if v, ok := s.params[name]; ok {
		return v
	}
	base, _, _ := strings.Cut(name, ".")
	v, ok := attributes[name]
	if !ok || !strings.HasPrefix(name, "AWS::") && !s.known[base] {
		s.t.Errorf("the template refers to %q, which is not there", name)
	}
	return v
}

func (s *stack) call(tag string, arg ast.Node) any {
	list := func() []ast.Node { return arg.(*ast.SequenceNode).Values }
	switch tag {
	case "!Ref":
		name := arg.(*ast.StringNode).Value
		if name == "AWS::NoValue" {
			return noValue{}
		}
		return s.ref(name)
	case "!GetAtt":
		return s.ref(arg.(*ast.StringNode).Value)
	case "!Sub":
		return regexp.MustCompile(`\$\{([^}]+)\}`).ReplaceAllStringFunc(arg.(*ast.StringNode).Value, func(m string) string { return s.ref(m[2 : len(m)-1]) })
	case "!Equals":
		return s.value(list()[0]) == s.value(list()[1])
	case "!Not":
		return !s.value(list()[0]).(bool)
	case "!If":
		cond, ok := s.conds[list()[0].(*ast.StringNode).Value]
		if !ok {
			s.t.Errorf("there is no condition %s", list()[0])
			return nil
		}
		if s.value(cond).(bool) {
			return s.value(list()[1])
		}
		return s.value(list()[2])
	}
	s.t.Errorf("unknown tag %s", tag)
	return nil
}

// resources returns the resources of the CloudFormation template by name, for the
// values of its parameters.
func resources(t *testing.T, params map[string]string) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(cloudFormation)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseBytes(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, params: map[string]string{}, known: map[string]bool{}, conds: map[string]ast.Node{}}
	var body ast.Node
	for _, part := range f.Docs[0].Body.(*ast.MappingNode).Values {
		m, ok := part.Value.(*ast.MappingNode)
		if !ok {
			continue
		}
		for _, v := range m.Values {
			name := v.Key.String()
			switch part.Key.String() {
			case "Parameters":
				p := s.value(v.Value).(map[string]any)
				s.params[name] = fmt.Sprint(p["Default"])
				if pattern, ok := p["AllowedPattern"]; ok && p["Default"] != nil && !regexp.MustCompile("^"+pattern.(string)+"$").MatchString(fmt.Sprint(p["Default"])) {
					t.Errorf("the default of %s is not allowed", name)
				}
			case "Conditions":
				s.conds[name] = v.Value
			case "Resources":
				s.known[name] = true
			}
		}
		if part.Key.String() == "Resources" {
			body = m
		}
	}
	for name, v := range params {
		if _, ok := s.params[name]; !ok {
			t.Errorf("there is no parameter %s", name)
		}
		s.params[name] = v
	}
	out := map[string]map[string]any{}
	for name, r := range s.value(body).(map[string]any) {
		r := r.(map[string]any)
		if on := r["DependsOn"]; on != nil && !s.known[on.(string)] {
			t.Errorf("%s depends on %v, which is not there", name, on)
		}
		out[name] = r["Properties"].(map[string]any)
	}
	return out
}

// blocks returns the evaluated attributes of Terraform's resources, by type.name.attribute.
func blocks(t *testing.T, vars map[string]cty.Value) map[string]cty.Value {
	t.Helper()
	text, err := os.ReadFile(terraform)
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(text, terraform, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	object := func(kv ...string) cty.Value {
		m := map[string]cty.Value{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = cty.StringVal(attributes[kv[i+1]])
		}
		return cty.ObjectVal(m)
	}
	of := func(name string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{name: v}) }
	eval := &hcl.EvalContext{
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc, "concat": stdlib.ConcatFunc},
		Variables: map[string]cty.Value{
			"var": cty.ObjectVal(vars),
			"data": cty.ObjectVal(map[string]cty.Value{
				"aws_caller_identity": of("me", object("account_id", "AWS::AccountId")),
				"aws_partition":       of("here", object("partition", "AWS::Partition")),
				"aws_region":          of("here", object("name", "AWS::Region")),
			}),
			"aws_s3_bucket": of("trail", object("arn", "Bucket.Arn", "id", "Bucket")),
			"aws_kms_key":   of("trail", object("arn", "Key.Arn", "key_id", "Key")),
			"aws_sns_topic": of("trail", object("arn", "Topic")),
			"aws_sqs_queue": cty.ObjectVal(map[string]cty.Value{
				"trail": object("arn", "Queue.Arn", "id", "Queue", "url", "Queue"), "dead_letters": object("arn", "DeadLetterQueue.Arn", "id", "DeadLetterQueue", "url", "DeadLetterQueue"),
			}),
			"aws_iam_role": of("reader", object("arn", "Reader.Arn", "id", "Reader.Arn")),
		},
	}
	locals := map[string]cty.Value{}
	out := map[string]cty.Value{}
	body := f.Body.(*hclsyntax.Body)
	for _, name := range []string{"account", "partition", "region", "bucket_name", "trail_arn"} { // in the order of their use
		for _, b := range body.Blocks {
			if a := b.Body.Attributes[name]; b.Type == "locals" && a != nil {
				v, diags := a.Expr.Value(eval)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				locals[name] = v
				eval.Variables["local"] = cty.ObjectVal(locals)
			}
		}
	}
	for _, b := range body.Blocks {
		if b.Type != "resource" {
			continue
		}
		for name, a := range b.Body.Attributes {
			if name == "depends_on" {
				continue
			}
			v, diags := a.Expr.Value(eval)
			if diags.HasErrors() {
				t.Error(diags)
				continue
			}
			out[strings.Join(b.Labels, ".")+"."+name] = v
		}
	}
	return out
}

// plain makes one shape of policies: lists where one value would do.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			x = plain(x)
			if s, ok := x.(string); ok && (k == "Action" || k == "Resource") {
				x = []any{s}
			}
			m[k] = x
		}
		return m
	case []any:
		list := []any{}
		for _, x := range v {
			list = append(list, plain(x))
		}
		return list
	}
	return v
}

// TestTemplatesAgree: both templates make the same policies and the same trail.
func TestTemplatesAgree(t *testing.T) {
	for _, org := range []string{"", "o-abcdefghij"} {
		cf := resources(t, map[string]string{"OrganizationId": org, "ReaderPrincipalArn": "arn:aws:iam::444455556666:role/bluetrail", "ExternalId": "0123456789abcdef", "DataEvents": "s3", "ObjectLockDays": "30"})
		str := cty.StringVal
		tf := blocks(t, map[string]cty.Value{
			"trail_name": str("bluetrail"), "organization_id": str(org), "reader_principal_arn": str("arn:aws:iam::444455556666:role/bluetrail"), "external_id": str("0123456789abcdef"),
			"data_events": str("s3"), "network_activity_events": str("none"), "retention_days": cty.NumberIntVal(400), "object_lock_days": cty.NumberIntVal(30),
		})
		for _, c := range []struct{ resource, property, attribute string }{
			{"Key", "KeyPolicy", "aws_kms_key.trail.policy"},
			{"BucketPolicy", "PolicyDocument", "aws_s3_bucket_policy.trail.policy"},
			{"TopicPolicy", "PolicyDocument", "aws_sns_topic_policy.trail.policy"},
			{"QueuePolicy", "PolicyDocument", "aws_sqs_queue_policy.trail.policy"},
			{"Reader", "AssumeRolePolicyDocument", "aws_iam_role.reader.assume_role_policy"},
			{"Reader", "Policies", "aws_iam_role_policy.reader.policy"},
		} {
			mine := cf[c.resource][c.property]
			if list, ok := mine.([]any); ok {
				mine = list[0].(map[string]any)["PolicyDocument"]
			}
			var other any
			v, ok := tf[c.attribute]
			if !ok || v.Type() != cty.String {
				t.Errorf("%s is not there", c.attribute)
				continue
			}
			if err := json.Unmarshal([]byte(v.AsString()), &other); err != nil {
				t.Fatal(err)
			}
			if n := len(mine.(map[string]any)["Statement"].([]any)); n == 0 {
				t.Errorf("%s allows nothing", c.resource)
			}
			if d := cmp.Diff(plain(mine), plain(other)); d != "" {
				t.Errorf("organization %q: %s.%s and %s differ: %s", org, c.resource, c.property, c.attribute, d)
			}
		}
		for _, c := range []struct{ resource, property, attribute string }{
			{"Trail", "IsMultiRegionTrail", "aws_cloudtrail.trail.is_multi_region_trail"}, {"Trail", "EnableLogFileValidation", "aws_cloudtrail.trail.enable_log_file_validation"},
			{"Trail", "IsLogging", "aws_cloudtrail.trail.enable_logging"}, {"Trail", "IsOrganizationTrail", "aws_cloudtrail.trail.is_organization_trail"},
			{"Trail", "IncludeGlobalServiceEvents", "aws_cloudtrail.trail.include_global_service_events"},
			{"Trail", "TrailName", "aws_cloudtrail.trail.name"}, {"Bucket", "BucketName", "aws_s3_bucket.trail.bucket"}, {"Bucket", "ObjectLockEnabled", "aws_s3_bucket.trail.object_lock_enabled"},
			{"Queue", "VisibilityTimeout", "aws_sqs_queue.trail.visibility_timeout_seconds"}, {"Queue", "MessageRetentionPeriod", "aws_sqs_queue.trail.message_retention_seconds"},
			{"DeadLetterQueue", "MessageRetentionPeriod", "aws_sqs_queue.dead_letters.message_retention_seconds"}, {"Subscription", "RawMessageDelivery", "aws_sns_topic_subscription.trail.raw_message_delivery"},
			{"Key", "EnableKeyRotation", "aws_kms_key.trail.enable_key_rotation"},
		} {
			v, ok := tf[c.attribute]
			if !ok {
				t.Errorf("%s is not there", c.attribute)
				continue
			}
			other := ""
			switch v.Type() {
			case cty.Bool:
				other = fmt.Sprint(v.True())
			case cty.Number:
				other = v.AsBigFloat().Text('f', -1)
			default:
				other = v.AsString()
			}
			if mine := fmt.Sprint(cf[c.resource][c.property]); mine != other {
				t.Errorf("organization %q: %s.%s is %s, %s is %s", org, c.resource, c.property, mine, c.attribute, other)
			}
		}
		if cf["Trail"]["EnableLogFileValidation"] != true || cf["Trail"]["IsMultiRegionTrail"] != true {
			t.Error("log file validation is off, or regions are left out")
		}
		for _, key := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if cf["Bucket"]["PublicAccessBlockConfiguration"].(map[string]any)[key] != true {
				t.Errorf("%s is off", key)
			}
		}
	}
}
