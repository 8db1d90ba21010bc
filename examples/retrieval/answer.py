"""Finds the paragraph of handbook.md that answers a question, and asks a model with it.

GATEWAY is the gateway's address, by default http://localhost:8080; GATEWAY_KEY the key, if it asks for one. EMBEDDING, RERANK
and CHAT are the models, by default those of the routes in the Caddyfile beside this file.
"""

import os
import pathlib
import sys

import cohere
import openai

gateway = os.environ.get("GATEWAY", "http://localhost:8080")
key = os.environ.get("GATEWAY_KEY", "none")
embedding = os.environ.get("EMBEDDING", "text-embedding-3-small")
rerank = os.environ.get("RERANK", "rerank-v3.5")
chat = os.environ.get("CHAT", "gpt-4o-mini")

client = openai.OpenAI(base_url=gateway + "/v1", api_key=key)
ranker = cohere.ClientV2(base_url=gateway, api_key=key)

question = sys.argv[1]
paragraphs = (pathlib.Path(__file__).parent / "handbook.md").read_text(encoding="utf-8").strip().split("\n\n")


def vectors(texts, purpose):
    """One vector a text. Cohere's and Nova's models embed questions otherwise than documents; Titan does not look at it."""
    reply = client.embeddings.create(model=embedding, input=texts, extra_body={"input_type": purpose})
    return [d.embedding for d in reply.data]


# The vectors have length 1, so the sum of the products is the cosine.
documents = vectors(paragraphs, "search_document")
[asked] = vectors([question], "search_query")
nearness = [sum(x * y for x, y in zip(document, asked)) for document in documents]
nearest = sorted(range(len(paragraphs)), key=lambda i: -nearness[i])[:3]

ranks = ranker.rerank(model=rerank, query=question, documents=[paragraphs[i] for i in nearest], top_n=1)
found = paragraphs[nearest[ranks.results[0].index]]
print("Found:", found)

answer = client.chat.completions.create(
    model=chat,
    messages=[
        {"role": "system", "content": "Answer by what is said here alone:\n\n" + found},
        {"role": "user", "content": question},
    ],
)
print("Answer:", answer.choices[0].message.content)
