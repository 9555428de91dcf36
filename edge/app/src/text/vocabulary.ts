// Texts as the numbers of their tokens, and back, as `zoo.outputs.vocabulary` does it: a token is a character or a word.

const UNKNOWN = '<unknown>'; // the word that stands for all that have no number
const WORDS = /\n|<\w+>|[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*|[^\p{L}\p{N}\s]/gu;
const CLOSING = new Set(['.', ',', ';', ':', '!', '?', ')', '\n']); // marks that stand at the word before them

/** A prompt holds a token that the network does not know. */
export class UnknownToken extends Error {}

export class Vocabulary {
  private readonly numbers: Map<string, number>;
  private readonly ofCharacters: boolean;

  constructor(private readonly tokens: readonly string[]) {
    this.numbers = new Map(tokens.map((token, number) => [token, number]));
    this.ofCharacters = tokens.every((token) => [...token].length === 1);
    if (this.ofCharacters) return;
    // Texts are read in small letters, and German writes nouns with large ones.
    for (const [number, token] of tokens.entries()) {
      if (!this.numbers.has(token.toLowerCase())) this.numbers.set(token.toLowerCase(), number);
    }
  }

  encode(text: string): number[] {
    return this.split(text).map((token) => {
      const number = this.numberOf(token);
      if (number === undefined) throw new UnknownToken(token);
      return number;
    });
  }

  /** The tokens of a text that have no number. */
  unknown(text: string): string[] {
    return this.split(text).filter((token) => this.numberOf(token) === undefined);
  }

  /** The text of a token that stands behind others; `first` where none does. */
  text(number: number, first: boolean): string {
    const token = this.tokens[number];
    return this.ofCharacters || first || CLOSING.has(token) ? token : ` ${token}`;
  }

  private split(text: string): string[] {
    return this.ofCharacters ? [...text] : (text.toLowerCase().match(WORDS) ?? []);
  }

  private numberOf(token: string): number | undefined {
    return this.numbers.get(token) ?? this.numbers.get(UNKNOWN);
  }
}
