package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// variable is one that the gateway or its commands read.
type variable struct {
	name, about string
	secret      bool
	asked       bool                     // by the interactive form
	check       func(value string) error // nil: any value
}

// variables are those of the seed's .env, by its names, and those of OpenAI's and AWS's own tools.
var variables = []variable{
	{"API_KEY", "the key that clients of the gateway send", true, true, checkKey},
	{"OPENAI_API_KEY", "OpenAI's key, for gpt-* and its other models", true, true, checkKey},
	{"OPENAI_BASE_URL", "another server that speaks OpenAI's API", false, false, checkURL},
	{"AWS_REGION", "the region of Bedrock's models, such as us-east-1", false, true, checkForm(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`, "a region, such as us-east-1")},
	{"AWS_PROFILE", "a profile of AWS's own files, in place of keys", false, true, checkWord},
	{"AWS_ACCESS_KEY_ID", "an AWS access key", false, true, checkForm(`^[A-Z0-9]{16,128}$`, "an access key's id, such as AKIAIOSFODNN7EXAMPLE")},
	{"AWS_SECRET_ACCESS_KEY", "the access key's secret", true, true, checkWord},
	{"AWS_SESSION_TOKEN", "the token of temporary AWS credentials", true, false, checkWord},
	{"AWS_BEARER_TOKEN_BEDROCK", "a Bedrock API key, in place of AWS credentials", true, false, checkWord},
	{"AWS_ROLE_ARN", "the role to assume", false, false, checkForm(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/\S+$`, "a role's ARN, such as arn:aws:iam::123456789012:role/Bedrock")},
	{"AWS_EXTERNAL_ID", "the external id that the role's trust policy asks for", true, false, checkWord},
	{"AWS_ROLE_SESSION_NAME", "the name of the role's session", false, false, checkForm(`^[\w+=,.@-]{2,64}$`, "2 to 64 letters, digits or one of +=,.@-")},
	{"AWS_ROLE_SESSION_DURATION", "how long it lasts, in seconds", false, false, checkSeconds},
	{"AWS_WEB_IDENTITY_TOKEN_FILE", "the file of an OpenID Connect token", false, false, checkFile},
	{"S3_FILES_BUCKET", "the bucket for uploaded files", false, true, checkForm(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`, "a bucket's name")},
	{"DEFAULT_OPENAI_MODEL", "the model of requests that name none", false, true, checkWord},
	{"LOG_LEVEL", "debug, info, warn or error", false, false, checkLevel},
	{"CHAT_SERVER_URL", "the gateway that 'chat' and the like ask", false, false, checkURL},
	{"CHAT_API_KEY", "the key that they send", true, false, checkKey},
}

// find returns the variable of that name; one of which nothing is known if there is none.
func find(name string) (v variable, known bool) {
	for _, v := range variables {
		if v.name == name {
			return v, true
		}
	}
	return variable{name: name, secret: secretName.MatchString(name)}, false
}

// secretName are names of what must not be shown, in the environment and in JSON. Names of files are no secrets, and ids of
// access keys are none.
var secretName = regexp.MustCompile(`(?i)(^|_)(api_?keys?|keys?|secret|token|password|passwd|credentials|authorization|external_id)(_\w*)?$`)

func isSecret(name string) bool {
	lower := strings.ToLower(name)
	return secretName.MatchString(lower) && !strings.HasSuffix(lower, "_file") && !strings.HasSuffix(lower, "access_key_id")
}

var errWord = errors.New("it is empty, or has white space in it")

func checkWord(value string) error {
	if value == "" || strings.ContainsAny(value, " \t") {
		return errWord
	}
	return nil
}

// checkKey refuses what no header can carry. Keys are compared as they are sent.
func checkKey(value string) error {
	if err := checkWord(value); err != nil {
		return err
	}
	for _, r := range value {
		if r < '!' || r > '~' {
			return errors.New("it has a character that no header can carry")
		}
	}
	return nil
}

func checkForm(form, what string) func(string) error {
	r := regexp.MustCompile(form)
	return func(value string) error {
		if !r.MatchString(value) {
			return fmt.Errorf("it must be %s", what)
		}
		return nil
	}
}

func checkURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("it must be a URL, such as http://localhost:8000")
	}
	return nil
}

func checkSeconds(value string) error {
	if n, err := strconv.Atoi(value); err != nil || n < 900 || n > 43200 {
		return errors.New("it must be a number of seconds from 900 to 43200")
	}
	return nil
}

func checkFile(value string) error {
	if _, err := os.Stat(value); err != nil {
		return fmt.Errorf("it must be a file that is there: %w", err)
	}
	return nil
}

func checkLevel(value string) error {
	switch strings.ToLower(value) {
	case "debug", "info", "warn", "warning", "error", "critical":
		return nil
	}
	return errors.New("it must be debug, info, warn or error")
}
