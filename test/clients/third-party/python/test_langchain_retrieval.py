"""LangChain's OpenAIEmbeddings with its defaults, which sends tokens, and its CohereRerank."""

import os

import litellm
import pytest

# Its tokenizer would fetch OpenAI's vocabulary; LiteLLM's package has it.
os.environ["TIKTOKEN_CACHE_DIR"] = os.path.join(os.path.dirname(litellm.__file__), "litellm_core_utils", "tokenizers")

from langchain_cohere import CohereRerank  # noqa: E402
from langchain_core.documents import Document  # noqa: E402
from langchain_core.vectorstores import InMemoryVectorStore  # noqa: E402
from langchain_openai import OpenAIEmbeddings  # noqa: E402

PARAGRAPHS = [
    "The library opens at nine and closes at six, on Sundays it stays closed.",
    "Passports are renewed at the town hall; bring a photograph and the old passport.",
    "Das Schwimmbad ist von Mai bis September beheizt. 泳池 🏊",
]


@pytest.mark.parametrize(
    "model", ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", "cohere.embed-v4:0", "amazon.nova-2-multimodal-embeddings-v1:0"]
)
def test_embeddings_with_their_defaults(model):
    embeddings = OpenAIEmbeddings(model=model)
    assert embeddings.check_embedding_ctx_length  # it sends tokens
    store = InMemoryVectorStore(embeddings)
    store.add_texts(PARAGRAPHS)
    assert store.similarity_search("How do I renew my passport?", k=1)[0].page_content == PARAGRAPHS[1]
    texts = OpenAIEmbeddings(model=model, check_embedding_ctx_length=False)
    for a, b in zip(embeddings.embed_documents(PARAGRAPHS), texts.embed_documents(PARAGRAPHS)):
        assert a == pytest.approx(b, abs=1e-6)


def test_a_long_text_is_several():
    long = "some words and more of them " * 4000  # LangChain embeds it by parts of 8,191 tokens
    assert len(OpenAIEmbeddings(model="amazon.titan-embed-text-v2:0").embed_query(long)) == 1024
    # Of which Nova takes a few less.
    nova = OpenAIEmbeddings(model="amazon.nova-2-multimodal-embeddings-v1:0", embedding_ctx_length=8000)
    assert len(nova.embed_query(long)) == 3072


def test_rerank():
    rerank = CohereRerank(
        model="cohere.rerank-v3-5:0",
        cohere_api_key=os.environ["GATEWAY_KEY"],
        base_url="http://" + os.environ["GATEWAY_ADDR"],
        top_n=2,
    )
    best = rerank.compress_documents([Document(p) for p in PARAGRAPHS], "renew a passport")
    assert [d.page_content for d in best][0] == PARAGRAPHS[1] and len(best) == 2
    assert best[0].metadata["relevance_score"] > best[1].metadata["relevance_score"]
