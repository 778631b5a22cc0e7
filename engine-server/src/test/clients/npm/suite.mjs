// OpenAI's JavaScript client against a server of the model that ships.
//
// node suite.mjs URL KEY CHAT, where CHAT is a file with a request whose answer is known. Prints
// one line per check and, last, their number; leaves with 1 after a failure. The client is looked
// for in the folder that CLIENTS names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const OpenAI = createRequire(process.env.CLIENTS + '/suite.js')('openai');
const [url, key, file] = process.argv.slice(2);
const chat = JSON.parse(readFileSync(file, 'utf8')).messages;
const ANSWER = 'Crate 149 holds canvas bells.';
const open = [{ role: 'user', content: 'The tide' }];
const short = [{ role: 'user', content: 'What is in crate 12?' }];
const model = 'haystack';
const client = new OpenAI({ baseURL: url + '/v1', apiKey: key, maxRetries: 0 });

async function raises(kind, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.constructor, kind, String(error));
    return error;
  }
  assert.fail('no ' + kind.name);
}

const load = async () => (await (await fetch(url + '/load')).json()).server_load;

const checks = {
  async models() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.deepEqual(ids, ['haystack']);
    assert.equal((await client.models.retrieve('haystack')).id, 'haystack');
  },

  async chat() {
    const answer = await client.chat.completions.create({ model, messages: chat });
    assert.equal(answer.choices[0].message.content, ANSWER);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    const usage = answer.usage;
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  },

  async streamingWithUsage() {
    const stream = await client.chat.completions.create({
      model, messages: chat, stream: true, stream_options: { include_usage: true },
    });
    let text = '';
    let last;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      last = chunk;
    }
    assert.equal(text, ANSWER);
    assert.equal(last.choices.length, 0);
    assert.ok(last.usage.completion_tokens > 1);
    assert.ok(last.usage.prompt_tokens_details.cached_tokens > 3000);
  },

  async logprobs() {
    const answer = await client.chat.completions.create({
      model, messages: short, max_tokens: 5, logprobs: true, top_logprobs: 3,
    });
    const tokens = answer.choices[0].logprobs.content;
    assert.equal(tokens.map((token) => token.token).join(''), answer.choices[0].message.content);
    for (const token of tokens) {
      assert.ok(token.logprob <= 0);
      assert.equal(token.top_logprobs.length, 3);
    }
  },

  async severalChoicesAndSeeds() {
    const texts = async (seed) => {
      const answer = await client.chat.completions.create({
        model, messages: open, n: 3, seed, temperature: 2, max_tokens: 20,
      });
      assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1, 2]);
      return answer.choices.map((choice) => choice.message.content);
    };
    const several = await texts(7);
    assert.equal(new Set(several).size, 3);
    assert.deepEqual(await texts(7), several);
    assert.notDeepEqual(await texts(8), several);
  },

  async stop() {
    const answer = await client.chat.completions.create({ model, messages: chat, stop: ' holds' });
    assert.equal(answer.choices[0].message.content, 'Crate 149');
  },

  async completions() {
    const answer = await client.completions.create({
      model, prompt: 'The tide was', max_tokens: 4, echo: true, logprobs: 1,
    });
    assert.ok(answer.choices[0].text.startsWith('The tide was'));
    assert.equal(answer.choices[0].logprobs.token_logprobs[0], null);
  },

  async structuredOutput() {
    const schema = {
      type: 'object',
      properties: { crate: { type: 'integer' }, what: { enum: ['rope', 'bells'] } },
      required: ['crate', 'what'],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model, messages: short, max_tokens: 200,
      response_format: { type: 'json_schema', json_schema: { name: 'crate', strict: true, schema } },
    });
    const value = JSON.parse(answer.choices[0].message.content);
    assert.ok(Number.isInteger(value.crate));
    assert.ok(['rope', 'bells'].includes(value.what));
  },

  async toolCalls() {
    const parameters = {
      type: 'object',
      properties: { crate: { type: 'integer' }, bay: { enum: ['north', 'south'] } },
      required: ['crate', 'bay'],
      additionalProperties: false,
    };
    const fields = {
      model, messages: short, max_tokens: 200, parallel_tool_calls: false, tool_choice: 'required',
      tools: [{ type: 'function', function: { name: 'look', parameters } }],
    };
    const answer = await client.chat.completions.create(fields);
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    const [call] = answer.choices[0].message.tool_calls;
    assert.equal(call.function.name, 'look');
    assert.ok(Number.isInteger(JSON.parse(call.function.arguments).crate));
    const stream = client.chat.completions.stream(fields);
    let deltas = 0;
    stream.on('tool_calls.function.arguments.delta', () => deltas++);
    const message = await stream.finalMessage();
    assert.ok(deltas > 3, 'arguments come piece by piece');
    assert.equal(message.tool_calls[0].function.name, 'look');
    assert.equal(message.tool_calls[0].function.arguments, call.function.arguments);
  },

  async parallelToolCalls() {
    const parameters = {
      type: 'object',
      properties: { bay: { enum: ['north', 'south'] } },
      required: ['bay'],
      additionalProperties: false,
    };
    // One call is shorter than the least length, and nothing but more calls may follow it.
    const message = await client.chat.completions
      .stream({
        model, messages: short, max_tokens: 400, min_tokens: 100, tool_choice: 'required',
        tools: ['look', 'wait'].map((name) => ({ type: 'function', function: { name, parameters } })),
      })
      .finalMessage();
    assert.ok(message.tool_calls.length > 1);
    for (const call of message.tool_calls) {
      assert.ok(['look', 'wait'].includes(call.function.name));
      assert.ok(['north', 'south'].includes(JSON.parse(call.function.arguments).bay));
    }
  },

  async errors() {
    const create = (fields) => () =>
      client.chat.completions.create({ model, messages: short, ...fields });
    let error = await raises(OpenAI.BadRequestError, create({ temperature: 3 }));
    assert.equal(error.status, 400);
    assert.equal(error.param, 'temperature');
    error = await raises(OpenAI.NotFoundError, create({ model: 'other' }));
    assert.equal(error.code, 'model_not_found');
    const long = [{ role: 'user', content: 'x '.repeat(20000) }];
    error = await raises(OpenAI.BadRequestError, create({ messages: long }));
    assert.equal(error.code, 'context_length_exceeded');
    const stranger = new OpenAI({ baseURL: url + '/v1', apiKey: 'wrong', maxRetries: 0 });
    error = await raises(OpenAI.AuthenticationError, () => stranger.models.list());
    assert.equal(error.code, 'invalid_api_key');
  },

  async cancellation() {
    const stream = await client.completions.create({
      model, prompt: 'The tide', max_tokens: 7000, stream: true, ignore_eos: true,
    });
    for await (const chunk of stream) {
      assert.equal(chunk.object, 'text_completion');
      assert.equal(await load(), 1);
      break;
    }
    stream.controller.abort();
    const deadline = Date.now() + 120_000;
    while ((await load()) > 0) {
      assert.ok(Date.now() < deadline, 'still running');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log('ok ' + name);
  } catch (error) {
    failed++;
    console.log('FAILED ' + name + '\n' + (error.stack ?? error));
  }
}
console.log(Object.keys(checks).length - failed + ' passed, ' + failed + ' failed');
process.exit(failed ? 1 : 0);
