// The camera: opened when asked, closed whenever the page cannot be seen.
import { closeAll } from './pictures';
import type { Word } from './words';

type Facing = 'environment' | 'user';

const WHY: Record<string, Word> = {
  NotAllowedError: 'cameraDenied',
  SecurityError: 'cameraDenied',
  NotFoundError: 'cameraMissing',
  OverconstrainedError: 'cameraMissing',
  NotReadableError: 'cameraBusy',
  AbortError: 'cameraBusy',
};

export class CameraError extends Error {
  constructor(readonly word: Word) {
    super(word);
  }
}

function end(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export class Camera {
  private video = document.createElement('video');
  private stream: MediaStream | null = null;
  private facing: Facing = 'environment';
  /** How often it was started or stopped. */
  private turn = 0;
  /** Frames until they are as many as are wanted together. */
  private reel: ImageBitmap[] = [];
  /** Called when a frame is to be had; takes it with `take`. */
  onFrame: () => void = () => {};

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  get open(): boolean {
    return this.stream !== null;
  }

  private get mirrored(): boolean {
    return this.stream?.getVideoTracks()[0]?.getSettings().facingMode === 'user';
  }

  /** Opens the camera, unless it is stopped or started anew before it is open. */
  async start(): Promise<void> {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) throw new CameraError('cameraInsecure');
    this.stop();
    const { turn } = this;
    try {
      const stream = await devices.getUserMedia({
        audio: false,
        video: { facingMode: this.facing, width: { ideal: 960 }, height: { ideal: 720 } },
      });
      if (turn !== this.turn) return end(stream);
      this.stream = stream;
      stream.getVideoTracks()[0].addEventListener('ended', () => this.stop());
      this.video.srcObject = stream;
      await this.video.play();
      this.await(stream);
    } catch (error) {
      // A camera that is stopped before it plays has nothing to say either.
      if (turn === this.turn) throw new CameraError(WHY[(error as DOMException).name] ?? 'cameraMissing');
    }
  }

  stop(): void {
    this.turn++;
    end(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    closeAll(this.reel.splice(0));
  }

  async flip(): Promise<void> {
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    await this.start();
  }

  /** True when there is another camera to switch to. */
  async several(): Promise<boolean> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === 'videoinput').length > 1;
  }

  /** The last `count` frames, of as many calls, one a frame; null until they are so many. */
  async take(count: number): Promise<ImageBitmap[] | null> {
    this.reel.push(await this.grab());
    if (this.reel.length < count) return null;
    closeAll(this.reel.splice(0, this.reel.length - count));
    return this.reel.splice(0);
  }

  /** The camera's picture now; mirrored where it shows the visitor's own face, as people expect of it. */
  private async grab(): Promise<ImageBitmap> {
    if (!this.mirrored) return createImageBitmap(this.video);
    const { videoWidth: width, videoHeight: height } = this.video;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(this.video, 0, 0);
    return context.canvas.transferToImageBitmap();
  }

  private await(stream: MediaStream): void {
    const next = () => {
      if (this.stream !== stream) return;
      this.onFrame();
      this.await(stream);
    };
    // Firefox before 132 has no requestVideoFrameCallback.
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  }
}
