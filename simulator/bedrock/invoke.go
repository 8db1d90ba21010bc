package bedrock

// invoke serves InvokeModel and InvokeModelWithResponseStream.
func (x *exchange) invoke() *apiError {
	return invalid("InvokeModel doesn't support the model that you provided.")
}
